//! How far the backends agree on one text.

use pocketwatt_protocol::{GraphKind, TokenId};
use pocketwatt_record::ModelPassport;

use crate::{columns, inert};

/// Largest difference between two logits that still counts as the same model, in f32: engines add in different orders.
const TOLERANCE: f32 = 1e-3;

/// What a backend computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Numbers in a row of logits.
    pub vocabulary: usize,
    /// Row after row.
    pub logits: Vec<f32>,
    /// Tokens generated after the text.
    pub greedy: Vec<TokenId>,
}

/// A backend with one graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    backend: String,
    graph: Option<GraphKind>,
    verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    Reference,
    Compared { difference: f32, same_choice: usize, positions: usize, same_tokens: usize, generated: usize },
    Failed(String),
}

impl Row {
    /// The backend that the others are compared with.
    pub fn reference(backend: &str, graph: Option<GraphKind>, answer: &Result<Compared, String>) -> Self {
        let verdict = match answer {
            Ok(_) => Verdict::Reference,
            Err(reason) => Verdict::Failed(reason.clone()),
        };
        Self { backend: backend.into(), graph, verdict }
    }

    /// A row for another backend.
    pub fn compare(
        backend: &str,
        graph: Option<GraphKind>,
        expected: &Result<Compared, String>,
        answer: &Result<Compared, String>,
    ) -> Self {
        let verdict = match (expected, answer) {
            (_, Err(reason)) => Verdict::Failed(reason.clone()),
            (Err(_), Ok(_)) => Verdict::Failed("there is no reference to compare with".into()),
            (Ok(expected), Ok(answer)) => compare(expected, answer),
        };
        Self { backend: backend.into(), graph, verdict }
    }

    /// Whether it computes the same model.
    pub fn conforms(&self) -> bool {
        match &self.verdict {
            Verdict::Reference => true,
            Verdict::Compared { difference, same_tokens, generated, .. } => {
                *difference < TOLERANCE && same_tokens == generated
            }
            Verdict::Failed(_) => false,
        }
    }

    fn cells(&self) -> [String; 6] {
        let graph = self.graph.map_or("own model", GraphKind::name).to_owned();
        let [difference, choice, tokens, verdict] = match &self.verdict {
            Verdict::Reference => ["-".into(), "-".into(), "-".into(), "reference".into()],
            Verdict::Compared { difference, same_choice, positions, same_tokens, generated } => [
                format!("{difference:.1e}"),
                format!("{same_choice} of {positions}"),
                format!("{same_tokens} of {generated}"),
                if self.conforms() { "conforms" } else { "DIFFERS" }.into(),
            ],
            Verdict::Failed(reason) => ["-".into(), "-".into(), "-".into(), format!("failed: {reason}")],
        };
        [self.backend.clone(), graph, difference, choice, tokens, verdict].map(|cell| inert::line(&cell))
    }
}

fn compare(expected: &Compared, answer: &Compared) -> Verdict {
    // A NaN is further away than any number.
    let difference = expected
        .logits
        .iter()
        .zip(&answer.logits)
        .map(|(left, right)| (left - right).abs())
        .fold(0.0, |largest: f32, next| if next.is_nan() { f32::INFINITY } else { largest.max(next) });
    let rows = expected.logits.chunks(expected.vocabulary).zip(answer.logits.chunks(answer.vocabulary));
    let same_choice = rows.filter(|(left, right)| largest(left) == largest(right)).count();
    let same_tokens = expected.greedy.iter().zip(&answer.greedy).take_while(|(left, right)| left == right).count();
    Verdict::Compared {
        difference,
        same_choice,
        positions: expected.logits.len() / expected.vocabulary,
        same_tokens,
        generated: expected.greedy.len(),
    }
}

fn largest(row: &[f32]) -> Option<usize> {
    row.iter().enumerate().max_by(|(_, left), (_, right)| left.total_cmp(right)).map(|(index, _)| index)
}

/// The table, and the text that the reference generated.
pub fn render(model: &ModelPassport, rows: &[Row], text: Option<&str>) -> String {
    const TITLES: [&str; 6] = ["backend", "graph", "largest difference", "same choice", "same text", "verdict"];
    let lines: Vec<[String; 6]> =
        std::iter::once(TITLES.map(str::to_owned)).chain(rows.iter().map(Row::cells)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(columns::width(cell));
        }
    }
    let mut output = format!("{}, {}\n\n", inert::line(&model.name), inert::line(&model.origin));
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| columns::left(cell, width)).collect();
        output += &format!("{}\n", cells.join("  ").trim_end());
    }
    output += &format!(
        "\nlargest difference: between logits (acceptance below {TOLERANCE:.0e}); same choice: positions with the same most \
         probable token;\nsame text: equal tokens from the first on, of those generated greedily (acceptance: all)\n"
    );
    if let Some(text) = text.filter(|_| !model.seeded) {
        output += &format!("\ngenerated after the text:\n  {}\n", inert::text(text.trim()).replace('\n', "\n  "));
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(logits: &[f32], greedy: &[u32]) -> Result<Compared, String> {
        Ok(Compared { vocabulary: 2, logits: logits.into(), greedy: greedy.iter().copied().map(TokenId).collect() })
    }

    fn conforms(logits: &[f32], greedy: &[u32]) -> bool {
        let expected = answer(&[1.0, 2.0, 3.0, 0.0], &[7, 8]);
        Row::compare("b", None, &expected, &answer(logits, greedy)).conforms()
    }

    #[test]
    fn only_close_logits_and_the_same_text_conform() {
        assert!(conforms(&[1.0, 2.0005, 3.0, 0.0], &[7, 8]));
        assert!(!conforms(&[1.0, 2.002, 3.0, 0.0], &[7, 8]));
        assert!(!conforms(&[1.0, f32::NAN, 3.0, 0.0], &[7, 8]));
        assert!(!conforms(&[1.0, 2.0, 3.0, 0.0], &[7, 9]));
        let failed = Err("it died".to_owned());
        assert!(!Row::compare("b", None, &failed, &answer(&[1.0, 2.0], &[7])).conforms());
    }

    #[test]
    fn the_table_says_what_differs() {
        let expected = answer(&[1.0, 2.0, 3.0, 0.0], &[7, 8]);
        let rows = [
            Row::reference("candle", None, &expected),
            Row::compare("tract", Some(GraphKind::Opset17), &expected, &answer(&[2.5, 2.0, 3.0, 0.0], &[7, 9])),
            Row::compare("fake", None, &expected, &Err("it died".into())),
        ];
        let lines: Vec<[String; 6]> = rows.iter().map(Row::cells).collect();
        insta::assert_snapshot!(lines[0].join(" | "), @"candle | own model | - | - | - | reference");
        insta::assert_snapshot!(lines[1].join(" | "), @"tract | opset17 | 1.5e0 | 1 of 2 | 1 of 2 | DIFFERS");
        insta::assert_snapshot!(lines[2].join(" | "), @"fake | own model | - | - | - | failed: it died");
    }
}
