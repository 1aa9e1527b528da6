//! The exact values of a chart: an invisible area for each drawn datum, which can be pointed at and focused, with a text.

use std::{fmt::Write, ops::Range};

use crate::output::inert;

/// Least width and height of an area, in pixels: a finger or a pointer has to find it.
const LEAST: i32 = 14;
/// Longest text, in characters: names in records have any length.
const LONGEST: usize = 700;
/// Most areas along one line: each of them is a stop for a keyboard.
const MOST_ALONG_A_LINE: usize = 12;

/// An area and its text.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    /// Left, top, width and height in pixels of the whole chart.
    area: [i32; 4],
    text: String,
}

/// The marks of one chart, in the order in which a keyboard visits them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks(Vec<Mark>);

impl Marks {
    /// Around a point.
    pub fn point(&mut self, (x, y): (i32, i32), text: String) {
        self.area([(x, y), (x, y)], text);
    }

    /// Over an area between two corners, in pixels; a small one becomes larger around its middle.
    pub fn area(&mut self, [from, to]: [(i32, i32); 2], text: String) {
        let side = |from: i32, to: i32| {
            let (low, high) = (from.min(to), from.max(to));
            let length = high.saturating_sub(low).max(LEAST);
            (i32::midpoint(low, high).saturating_sub(length / 2), length)
        };
        let ((left, width), (top, height)) = (side(from.0, to.0), side(from.1, to.1));
        self.0.push(Mark { area: [left, top, width, height], text });
    }

    /// Along a part of a line of points, in pieces that are few enough if the line has so many `parts`; `text` describes some of
    /// its points.
    pub fn along(&mut self, line: &[(i32, i32)], parts: usize, text: impl Fn(Range<usize>) -> String) {
        let most = (MOST_ALONG_A_LINE / parts.max(1)).max(1);
        for piece in pieces(line.len(), most) {
            let ends = |of: fn(&(i32, i32)) -> i32| {
                let side = || line[piece.clone()].iter().map(of);
                side().min().zip(side().max())
            };
            if let Some(((left, right), (top, bottom))) = ends(|at| at.0).zip(ends(|at| at.1)) {
                self.area([(left, top), (right, bottom)], text(piece));
            }
        }
    }

    /// As elements of SVG, for the end of the chart's document.
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        if self.0.is_empty() {
            return svg;
        }
        svg += "<g class=\"marks\" fill=\"transparent\">\n";
        for Mark { area: [x, y, width, height], text } in &self.0 {
            // Writing to a string cannot fail.
            let _ = writeln!(
                svg,
                "<g class=\"mark\" tabindex=\"0\" role=\"img\" aria-label=\"{}\"><rect class=\"hit\" x=\"{x}\" y=\"{y}\" \
                 width=\"{width}\" height=\"{height}\"/></g>",
                attribute(text)
            );
        }
        svg + "</g>\n"
    }
}

/// Splits so many points into equal pieces.
fn pieces(points: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let count = points.min(most);
    (0..count).map(move |piece| piece * points / count..(piece + 1) * points / count)
}

/// A text as the value of an attribute, harmless and not too long.
fn attribute(text: &str) -> String {
    let mut shown = String::new();
    let text = inert::one_line(text);
    for character in text.chars().take(LONGEST) {
        match character {
            '&' => shown += "&amp;",
            '<' => shown += "&lt;",
            '>' => shown += "&gt;",
            '"' => shown += "&quot;",
            '\'' => shown += "&apos;",
            '\u{fffe}' | '\u{ffff}' => shown.extend(character.escape_unicode()),
            character => shown.push(character),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> String {
        let mut marks = Marks::default();
        marks.area([(110, 40), (100, 80)], text.to_owned());
        marks.svg()
    }

    #[test]
    fn a_mark_has_an_area_and_a_text() {
        insta::assert_snapshot!(only("candle, chat: 31.8 tokens/s"), @r#"
        <g class="marks" fill="transparent">
        <g class="mark" tabindex="0" role="img" aria-label="candle, chat: 31.8 tokens/s"><rect class="hit" x="98" y="40" width="14" height="40"/></g>
        </g>
        "#);
        assert_eq!(Marks::default().svg(), "");
    }

    #[test]
    fn foreign_text_stays_text() {
        let svg = only("\"/><script>&'\u{1b}[31m\u{202e}\u{ffff}");
        assert!(
            svg.contains("aria-label=\"&quot;/&gt;&lt;script&gt;&amp;&apos;\\u{1b}[31m\\u{202e}\\u{ffff}\""),
            "{svg}"
        );
        assert!(only(&"long ".repeat(9000)).len() < 1000);
    }

    #[test]
    fn pieces_leave_out_no_point() {
        for points in [0, 1, 5, 12, 13, 64, 1000] {
            let pieces: Vec<Range<usize>> = pieces(points, 12).collect();
            assert!(pieces.len() <= 12);
            assert_eq!(pieces.iter().cloned().flatten().collect::<Vec<_>>(), (0..points).collect::<Vec<_>>());
        }
    }
}
