//! The order of cases in a block, drawn by lot.

use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};

/// Draws orders, the same ones from the same seed.
#[derive(Debug)]
pub(super) struct Lot {
    random: SmallRng,
}

impl Lot {
    pub(super) fn new(seed: u32) -> Self {
        Self { random: SmallRng::seed_from_u64(u64::from(seed)) }
    }

    /// The positions in these tables, table by table, each order of the tables and within a table as likely as any other. So cases
    /// that stand side by side follow each other closely, and of any two cases each is as often the first.
    pub(super) fn order(&mut self, tables: &[Vec<usize>]) -> Vec<usize> {
        let mut tables = tables.to_vec();
        tables.shuffle(&mut self.random);
        tables.iter_mut().for_each(|table| table.shuffle(&mut self.random));
        tables.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u32, tables: &[Vec<usize>]) -> Vec<Vec<usize>> {
        let mut lot = Lot::new(seed);
        (0..6000).map(|_| lot.order(tables)).collect()
    }

    #[test]
    fn every_order_is_drawn_about_as_often_and_a_seed_repeats_them() {
        let orders = drawn(7, &[vec![0, 1, 2]]);
        assert_eq!(orders, drawn(7, &[vec![0, 1, 2]]));
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let often = orders.iter().filter(|drawn| **drawn == order).count();
            assert!((850..1150).contains(&often), "{order:?} {often} times");
        }
    }

    #[test]
    fn tables_stay_whole_and_none_of_two_cases_comes_first_more_often() {
        let orders = drawn(7, &[vec![0, 3], vec![1, 2], vec![4]]);
        let place = |order: &[usize], case: usize| order.iter().position(|position| *position == case).unwrap();
        for order in &orders {
            assert_eq!(order.len(), 5);
            assert!(place(order, 0).abs_diff(place(order, 3)) == 1 && place(order, 1).abs_diff(place(order, 2)) == 1);
        }
        for (one, other) in [(0, 3), (0, 1), (3, 2), (4, 1)] {
            let often = orders.iter().filter(|order| place(order, one) < place(order, other)).count();
            assert!((2800..3200).contains(&often), "{one} before {other}: {often} times");
        }
    }
}
