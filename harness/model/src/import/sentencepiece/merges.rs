//! Finds the pairs of pieces that merge into a third: sentencepiece does not store them, and byte-pair encoding in other
//! libraries needs them.
//!
//! Every piece is visited once for each piece that it begins or ends with, so the work grows with the total length of the
//! pieces, however long one is.

use std::cmp::Reverse;

use serde::{Serialize, Serializer, ser::SerializeSeq};

/// Largest length of the merges as a multiple of that of the pieces. For LLaMA it is about one; runs of up to 128 spaces, each
/// length a piece, stay below.
const MOST_GROWTH: usize = 16;

/// A piece and its score.
pub(in crate::import) type Scored<'a> = (&'a str, f32);

/// All ways to merge two pieces into a third, by descending score of the third; then the longer parts first.
#[derive(Debug)]
pub(super) struct Merges<'a> {
    pieces: &'a [Scored<'a>],
    /// Pairs of positions among the pieces.
    pairs: Vec<[usize; 2]>,
}

impl<'a> Merges<'a> {
    /// Finds the merges of distinct pieces.
    ///
    /// # Errors
    /// When there are far more of them than the pieces of any language have.
    pub fn find(pieces: &'a [Scored<'a>]) -> Result<Self, String> {
        let length = |index: usize| pieces[index].0.len();
        let begins = longest_within(pieces.iter().map(|(text, _)| text.as_bytes().to_vec()).collect());
        let ends = longest_within(pieces.iter().map(|(text, _)| text.bytes().rev().collect()).collect());
        let most = MOST_GROWTH * pieces.iter().map(|(text, _)| text.len()).sum::<usize>();
        let (mut joins, mut text) = (Vec::new(), 0);
        for whole in 0..pieces.len() {
            let first = joins.len();
            // From the longest to the shortest, and the ends likewise, so that the rest after each beginning grows.
            let mut lefts: Vec<usize> = chain(&begins, whole).collect();
            for right in chain(&ends, whole) {
                let rest = length(whole) - length(right);
                while lefts.pop_if(|left| length(*left) < rest).is_some() {}
                if let Some(&left) = lefts.last().filter(|left| length(**left) == rest) {
                    joins.push((whole, [left, right]));
                    text += length(whole);
                }
            }
            if text > most {
                return Err(format!(
                    "its pieces join into one another in more than {most} bytes of merges, {MOST_GROWTH} times their own \
                     text: those of no language do"
                ));
            }
            joins[first..].sort_unstable_by_key(|(_, pair)| *pair);
        }
        let characters: Vec<usize> = pieces.iter().map(|(text, _)| text.chars().count()).collect();
        let lengths = |pair: [usize; 2]| Reverse(pair.map(|part| characters[part]));
        joins.sort_by(|(one, a), (other, b)| {
            pieces[*other].1.total_cmp(&pieces[*one].1).then_with(|| lengths(*a).cmp(&lengths(*b)))
        });
        Ok(Self { pieces, pairs: joins.into_iter().map(|(_, pair)| pair).collect() })
    }
}

impl Serialize for Merges<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.pairs.len()))?;
        self.pairs.iter().try_for_each(|pair| sequence.serialize_element(&pair.map(|part| self.pieces[part].0)))?;
        sequence.end()
    }
}

/// For each text the longest other one that it begins with, if any; the empty text does not count.
fn longest_within(texts: Vec<Vec<u8>>) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..texts.len()).filter(|index| !texts[*index].is_empty()).collect();
    order.sort_unstable_by_key(|index| &texts[*index]);
    let mut longest = vec![None; texts.len()];
    // Each begins with the one before. In sorted order, all texts with the same beginning follow it without a gap.
    let mut open: Vec<usize> = Vec::new();
    for index in order {
        while open.pop_if(|outer| !texts[index].starts_with(&texts[*outer])).is_some() {}
        longest[index] = open.last().copied();
        open.push(index);
    }
    longest
}

/// All other texts that a text begins with, the longest first.
fn chain(longest: &[Option<usize>], from: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(longest[from], |index| longest[*index])
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use proptest::prelude::*;

    use super::*;

    fn merges(pieces: &[Scored<'_>]) -> Vec<[String; 2]> {
        serde_json::from_str(&serde_json::to_string(&Merges::find(pieces).unwrap()).unwrap()).unwrap()
    }

    /// The rule in Hugging Face's converter: each piece is split at every position.
    fn cut_at_every_place(pieces: &[Scored<'_>]) -> Vec<[String; 2]> {
        let places: HashMap<&str, usize> = pieces.iter().enumerate().map(|(index, (text, _))| (*text, index)).collect();
        let mut merges: Vec<(f32, usize, usize)> = Vec::new();
        for (piece, score) in pieces {
            let cuts = piece.char_indices().skip(1).map(|(at, _)| piece.split_at(at));
            let known = |(left, right)| Some((*score, *places.get(left)?, *places.get(right)?));
            let mut joins: Vec<_> = cuts.filter_map(known).collect();
            joins.sort_by_key(|(_, left, right)| (*left, *right));
            merges.extend(joins);
        }
        let length = |index: usize| pieces[index].0.chars().count();
        merges.sort_by(|one, other| {
            let lengths = (length(other.1), length(other.2)).cmp(&(length(one.1), length(one.2)));
            other.0.total_cmp(&one.0).then(lengths)
        });
        merges.into_iter().map(|(_, left, right)| [pieces[left].0.to_owned(), pieces[right].0.to_owned()]).collect()
    }

    proptest! {
        #[test]
        fn they_are_those_of_every_cut(texts: BTreeSet<String>, letters in prop::collection::btree_set("[aé]{0,9}", 0..60)) {
            let texts: BTreeSet<String> = texts.into_iter().chain(letters).collect();
            let score = |text: &String| (text.len() % 3) as f32;
            let pieces: Vec<Scored<'_>> = texts.iter().rev().map(|text| (text.as_str(), score(text))).collect();
            prop_assert_eq!(merges(&pieces), cut_at_every_place(&pieces));
        }
    }

    #[test]
    fn the_work_grows_with_the_text_however_long_a_piece_is() {
        let long = "a".repeat(3_000_000);
        assert_eq!(merges(&[("a", 0.0), (&long, -1.0), ("aa", -2.0)]), [["a", "a"]]);
    }

    #[test]
    fn more_merges_than_any_language_has_are_refused() {
        let texts: Vec<String> = (1..=1000).map(|length| "a".repeat(length)).collect();
        let pieces: Vec<Scored<'_>> = texts.iter().map(|text| (text.as_str(), 0.0)).collect();
        assert!(Merges::find(&pieces).unwrap_err().contains("16 times their own text"));
        assert_eq!(merges(&pieces[..20]).len(), 190);
    }
}
