use std::{cmp::max, collections::HashMap};

/// How much a candidate text and a reference text have in common; each value is between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rouge {
    /// The share of the candidate that is in the reference.
    pub precision: f64,
    /// The share of the reference that is in the candidate.
    pub recall: f64,
    /// Their harmonic mean `2PR / (P + R)`, which is Lin's F-measure with `β = 1`.
    pub f_measure: f64,
}

impl Rouge {
    fn new(matches: usize, reference: usize, candidate: usize) -> Self {
        let share = |of: usize| if of == 0 { 0.0 } else { matches as f64 / of as f64 };
        let (precision, recall) = (share(candidate), share(reference));
        let sum = precision + recall;
        let f_measure = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
        Self { precision, recall, f_measure }
    }
}

/// ROUGE-N (Lin, "ROUGE: a package for automatic evaluation of summaries", 2004, section 2) with one reference: runs of
/// `n` words that are in both texts, each counted as often as it is in the text that has it less often:
///
/// `R = Σ min(count_reference, count_candidate) / Σ count_reference`, and `P` with the candidate's count below.
///
/// A text without such a run has 0 for every value. Words are those of [`rouge_l`].
pub fn rouge_n(reference: &str, candidate: &str, n: usize) -> Rouge {
    let (reference, candidate) = (words(reference), words(candidate));
    let runs = |words: &[String]| if n == 0 { 0 } else { (words.len() + 1).saturating_sub(n) };
    let (reference_runs, candidate_runs) = (runs(&reference), runs(&candidate));
    if reference_runs == 0 || candidate_runs == 0 {
        return Rouge::new(0, reference_runs, candidate_runs);
    }
    let mut left: HashMap<&[String], usize> = HashMap::new();
    for run in reference.windows(n) {
        *left.entry(run).or_default() += 1;
    }
    let matches = candidate.windows(n).filter(|run| {
        let count = left.get_mut(*run).filter(|count| **count > 0);
        count.map(|count| *count -= 1).is_some()
    });
    Rouge::new(matches.count(), reference_runs, candidate_runs)
}

/// ROUGE-L of sentences (Lin 2004, section 3.1): the longest common subsequence of words, which both texts contain
/// in the same order, with or without others between them:
///
/// `R = LCS / words of the reference`, `P = LCS / words of the candidate`.
///
/// Words are those of Google's package `rouge_score`: in lower case, everything but the letters a to z and the digits
/// They are not stemmed: "jumps" is not "jump", so values computed with `use_stemmer=True` can be
/// a little higher. Line breaks mean nothing (`rougeL`, not `rougeLsum`).
pub fn rouge_l(reference: &str, candidate: &str) -> Rouge {
    let (reference, candidate) = (words(reference), words(candidate));
    Rouge::new(longest_common_subsequence(&reference, &candidate), reference.len(), candidate.len())
}

fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    text.split(|part: char| !part.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Keeps one row of the table at a time: answers are short, but a model may go on for ever.
fn longest_common_subsequence(one: &[String], other: &[String]) -> usize {
    let mut lengths = vec![0; other.len()];
    for word in one {
        let (mut above_left, mut left) = (0, 0);
        for (length, against) in lengths.iter_mut().zip(other) {
            let above = *length;
            left = if word == against { above_left + 1 } else { max(above, left) };
            (*length, above_left) = (left, above);
        }
    }
    lengths.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(score: Rouge, precision: f64, recall: f64, f_measure: f64) {
        let differences = [score.precision - precision, score.recall - recall, score.f_measure - f_measure];
        assert!(differences.iter().all(|difference| difference.abs() < 1e-12), "{score:?}");
    }

    /// Lin 2004, section 3.1: sentences S1 to S4, with β = 1.
    #[test]
    fn the_gunman_of_the_paper() {
        let reference = "police killed the gunman";
        close(rouge_l(reference, "police kill the gunman"), 0.75, 0.75, 0.75);
        close(rouge_l(reference, "the gunman kill police"), 0.5, 0.5, 0.5);
        close(rouge_l(reference, "the gunman police killed"), 0.5, 0.5, 0.5);
        // ROUGE-2 does not distinguish the second from the third, and prefers the fourth.
        let third = 1.0 / 3.0;
        close(rouge_n(reference, "police kill the gunman", 2), third, third, third);
        close(rouge_n(reference, "the gunman kill police", 2), third, third, third);
        close(rouge_n(reference, "the gunman police killed", 2), 2.0 * third, 2.0 * third, 2.0 * third);
    }

    /// The example in the documentation of `rouge_score`, which stems; here, stemming changes nothing.
    #[test]
    fn the_quick_brown_fox_of_the_package() {
        let (reference, candidate) =
            ("The quick brown fox jumps over the lazy dog", "The quick brown dog jumps on the log.");
        close(rouge_n(reference, candidate, 1), 0.75, 0.666_666_666_666_666_6, 0.705_882_352_941_176_5);
        close(rouge_n(reference, candidate, 2), 0.285_714_285_714_285_7, 0.25, 0.266_666_666_666_666_66);
        close(rouge_l(reference, candidate), 0.625, 0.555_555_555_555_555_6, 0.588_235_294_117_647_1);
    }

    /// Values in the tests of `rouge_score`.
    #[test]
    fn the_package_agrees_on_small_texts() {
        close(rouge_n("testing one two", "testing", 1), 1.0, 1.0 / 3.0, 0.5);
        close(rouge_n("testing one two", "testing one", 2), 1.0, 0.5, 2.0 / 3.0);
        close(rouge_l("testing one two", "testing two"), 1.0, 2.0 / 3.0, 0.8);
        for (reference, candidate) in [("testing one two", ""), ("", "w1"), ("w1 w2", "/"), ("", ""), ("éü", "éü")]
        {
            close(rouge_l(reference, candidate), 0.0, 0.0, 0.0);
            close(rouge_n(reference, candidate, 1), 0.0, 0.0, 0.0);
        }
        close(rouge_n("one two", "one two", 3), 0.0, 0.0, 0.0);
        close(rouge_n("one two", "one two", 0), 0.0, 0.0, 0.0);
    }

    #[test]
    fn a_word_counts_as_often_as_both_have_it() {
        close(rouge_n("the cat", "the the the the", 1), 0.25, 0.5, 1.0 / 3.0);
        close(rouge_n("It's 5°C, 41 °F.", "its 5 c 41 f", 1), 0.8, 4.0 / 6.0, 8.0 / 11.0);
    }

    proptest! {
        #[test]
        fn scores_are_shares(reference in "[a-d ]{0,20}", candidate in "[a-d ]{0,20}", n in 1_usize..4) {
            for score in [rouge_n(&reference, &candidate, n), rouge_l(&reference, &candidate)] {
                for share in [score.precision, score.recall, score.f_measure] {
                    prop_assert!((0.0..=1.0).contains(&share));
                }
            }
            let swapped = rouge_l(&candidate, &reference);
            prop_assert_eq!(rouge_l(&reference, &candidate).precision, swapped.recall);
            // The words of a common subsequence are also common words.
            prop_assert!(rouge_l(&reference, &candidate).recall <= rouge_n(&reference, &candidate, 1).recall);
        }
    }
}
