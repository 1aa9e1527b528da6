//! The test of Wilcoxon (1945), Mann and Whitney (1947), with its exact distribution.

/// Beyond this p-value nothing is tabulated: nobody asks.
const LARGEST: f64 = 0.05;

/// How many pairs of an earlier and a later value contradict a change, for either direction. Equal values contradict both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradictions {
    /// Pairs whose later value is not larger.
    pub of_rise: usize,
    /// Pairs whose later value is not smaller.
    pub of_fall: usize,
}

impl Contradictions {
    /// Of later values to ascending earlier ones.
    pub fn count(ascending: &[f64], later: &[f64]) -> Self {
        let mut found = Self { of_rise: 0, of_fall: 0 };
        for value in later {
            let below = ascending.partition_point(|earlier| earlier < value);
            let not_above = ascending.partition_point(|earlier| earlier <= value);
            found.of_rise += ascending.len() - below;
            found.of_fall += not_above;
        }
        found
    }

    /// The fewer of both.
    pub fn fewest(self) -> usize {
        self.of_rise.min(self.of_fall)
    }
}

/// Two-sided p-values by the sizes of both sides and the number of contradictions. They are computed when they are first asked for,
/// so whoever looks at many series keeps them.
#[derive(Clone, Debug, Default)]
pub struct RankSums {
    /// By the number of later values, then by that of earlier ones.
    tables: Vec<Vec<Option<Vec<f64>>>>,
}

impl RankSums {
    /// The probability of so few contradictions among exchangeable values, whatever their distribution; `None` if it is more than 5 %.
    pub fn p_value(&mut self, earlier: usize, later: usize, contradictions: usize) -> Option<f64> {
        self.table(earlier, later).get(contradictions).copied()
    }

    /// The smallest p-value that there can be: that of no contradiction.
    pub fn least(&mut self, earlier: usize, later: usize) -> Option<f64> {
        self.p_value(earlier, later, 0)
    }

    /// The interval for the median difference of both sides that belongs to this test, with at least 95 % confidence: how many of the
    /// smallest and of the largest differences lie outside. `None` if there are too few values for that.
    pub fn outside(&mut self, earlier: usize, later: usize) -> Option<usize> {
        self.table(earlier, later).len().checked_sub(1)
    }

    fn table(&mut self, earlier: usize, later: usize) -> &[f64] {
        if self.tables.len() <= later {
            self.tables.resize_with(later + 1, Vec::new);
        }
        let tables = &mut self.tables[later];
        if tables.len() <= earlier {
            tables.resize_with(earlier + 1, || None);
        }
        tables[earlier].get_or_insert_with(|| tabulate(earlier, later))
    }
}

/// The number of orders of the values with 0, 1, 2, ... contradictions are the coefficients of the Gaussian binomial
/// `product of (1 - q^(earlier + i)) / (1 - q^i)`, `i = 1..later`.
fn tabulate(earlier: usize, later: usize) -> Vec<f64> {
    let (few, many) = (earlier.min(later), earlier.max(later));
    let most = few * many / 2;
    let mut orders = vec![0.0; most + 1];
    orders[0] = 1.0;
    let mut all = 1.0;
    for factor in 1..=few {
        for count in (many + factor..=most).rev() {
            orders[count] -= orders[count - many - factor];
        }
        for count in factor..=most {
            orders[count] += orders[count - factor];
        }
        all *= (many + factor) as f64 / factor as f64;
    }
    let mut so_few = 0.0;
    let p_values = orders.iter().map(|orders| {
        so_few += orders;
        2.0 * so_few / all
    });
    p_values.take_while(|p_value| *p_value <= LARGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All orders one by one: the last value is an earlier one or a later one.
    fn orders(earlier: usize, later: usize) -> Vec<f64> {
        let mut table = vec![vec![Vec::<f64>::new(); later + 1]; earlier + 1];
        for first in 0..=earlier {
            for second in 0..=later {
                let mut orders = vec![0.0; first * second + 1];
                if first == 0 || second == 0 {
                    orders[0] = 1.0;
                } else {
                    for (count, number) in table[first - 1][second].iter().enumerate() {
                        orders[count + second] += number;
                    }
                    for (count, number) in table[first][second - 1].iter().enumerate() {
                        orders[count] += number;
                    }
                }
                table[first][second] = orders;
            }
        }
        table.swap_remove(earlier).swap_remove(later)
    }

    #[test]
    fn p_values_are_those_of_counting() {
        for (earlier, later) in [(3, 5), (12, 4), (80, 20), (60, 40)] {
            let orders = orders(earlier, later);
            let all: f64 = orders.iter().sum();
            let mut so_few = 0.0;
            let mut sums = RankSums::default();
            for (contradictions, number) in orders.iter().enumerate() {
                so_few += number;
                let expected = 2.0 * so_few / all;
                match sums.p_value(earlier, later, contradictions) {
                    Some(p_value) => assert!((p_value / expected - 1.0).abs() < 1e-9, "{earlier} {later}: {p_value}"),
                    None => {
                        assert!(expected > LARGEST, "{earlier} {later} {contradictions}: {expected}");
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn p_values_are_those_of_published_tables() {
        // Mann and Whitney 1947, table I: one-sided 0.018 for n = 3, m = 5, U = 0.
        assert!((RankSums::default().p_value(3, 5, 0).unwrap() - 2.0 / 56.0).abs() < 1e-12);
        // The critical value for n = m = 10 at the two-sided level of 5 % is 23.
        assert!(RankSums::default().p_value(10, 10, 23).is_some());
        assert!(RankSums::default().p_value(10, 10, 24).is_none());
        assert_eq!(RankSums::default().least(3, 3), None);
    }

    #[test]
    fn equal_values_are_no_change() {
        let contradictions = Contradictions::count(&[1.0, 2.0, 2.0, 3.0], &[2.0, 9.0]);
        assert_eq!(contradictions, Contradictions { of_rise: 3, of_fall: 7 });
        assert_eq!(Contradictions::count(&[5.0; 4], &[5.0; 4]).fewest(), 16);
    }
}
