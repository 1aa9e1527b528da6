//! Made-up histories with known steps.

use std::f64::consts::TAU;

/// How the measurements of one and the same thing scatter. All but the last five have the standard deviation that they are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scatter {
    /// Normally.
    Normal,
    /// With tails as of Student's t with 3 degrees of freedom.
    HeavyTails,
    /// To one side only: exponentially.
    Skewed,
    /// Around two levels, which take turns at random.
    TwoLevels,
    /// Normally, but 3 % of the values are up to 20 % lower.
    Outliers,
    /// Normally, but now and then two in a row are 8 % lower.
    Pairs,
    /// With a correlation of neighbours.
    Alike(f64),
    /// Normally, around a level that rises by this share with each value.
    Drift(f64),
    /// Normally, around a level that goes up and down by 1 % in 200 values.
    Wave,
    /// Normally, around a level that moves by a twentieth of the standard deviation with each value, at random.
    Walk,
}

/// Numbers that look random, from a seed (`SplitMix64`: Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and 1, without either.
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }

    /// Measurements of something whose true value is 100.
    pub fn history(&mut self, scatter: Scatter, deviation: f64, count: usize) -> Vec<f64> {
        let (mut before, mut level, mut low) = (self.normal(), 0.0, false);
        let values = (0..count).map(|place| {
            let normal = self.normal();
            let place = place as f64;
            let logarithm = deviation
                * match scatter {
                    Scatter::HeavyTails => {
                        let squares = (0..3).map(|_| self.normal().powi(2)).sum::<f64>();
                        normal / squares.sqrt()
                    }
                    Scatter::Skewed => -self.uniform().ln() - 1.0,
                    Scatter::TwoLevels => 0.4 * normal - if self.uniform() < 0.3 { 2.0 } else { 0.0 },
                    Scatter::Alike(correlation) => {
                        before = correlation * before + (1.0 - correlation * correlation).sqrt() * normal;
                        before
                    }
                    Scatter::Walk => {
                        level += 0.05 * self.normal();
                        normal + level
                    }
                    _ => normal,
                };
            let off = match scatter {
                Scatter::Outliers if self.uniform() < 0.03 => -0.2 * self.uniform(),
                Scatter::Pairs => {
                    let second = std::mem::take(&mut low);
                    low = !second && self.uniform() < 0.01;
                    if second || low { -0.08 } else { 0.0 }
                }
                Scatter::Drift(share) => share * place,
                Scatter::Wave => 0.01 * (place * TAU / 200.0).sin(),
                _ => 0.0,
            };
            100.0 * (logarithm + off).exp()
        });
        values.collect()
    }

    /// The same with a step: from this place on, all are this many times as large.
    pub fn with_step(
        &mut self,
        scatter: Scatter,
        deviation: f64,
        before: usize,
        after: usize,
        factor: f64,
    ) -> Vec<f64> {
        let mut values = self.history(scatter, deviation, before + after);
        values.iter_mut().skip(before).for_each(|value| *value *= factor);
        values
    }
}
