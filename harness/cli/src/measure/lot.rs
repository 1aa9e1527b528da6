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

    /// The positions of `count` things, each order as likely as any other.
    pub(super) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut self.random);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_drawn_about_as_often_and_a_seed_repeats_them() {
        let orders = |seed: u32| {
            let mut lot = Lot::new(seed);
            (0..6000).map(|_| lot.order(3)).collect::<Vec<_>>()
        };
        let drawn = orders(7);
        assert_eq!(drawn, orders(7));
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let often = drawn.iter().filter(|drawn| **drawn == order).count();
            assert!((850..1150).contains(&often), "{order:?} {often} times");
        }
    }
}
