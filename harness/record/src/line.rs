//! A straight line through measured points.

/// Student's t for a two-sided 95 % interval, by degrees of freedom from 1; beyond these, the normal distribution is close enough.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const NORMAL: f64 = 1.960;

/// `y = intercept + slope x` by ordinary least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Change of `y` for each unit of `x`.
    pub slope: f64,
    /// `y` where `x` is 0.
    pub intercept: f64,
    /// Half the width of the slope's 95 % interval (Student's t, n - 2 degrees of freedom); absent for two points, through
    /// which there is always a line.
    pub slope_uncertainty: Option<f64>,
}

/// The line through `points`; `None` where fewer than two of them have different `x`, or one is not finite.
pub fn fit_line(points: &[(f64, f64)]) -> Option<Line> {
    if points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        return None;
    }
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if points.len() < 2 || spread == 0.0 {
        return None;
    }
    let slope = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    let intercept = mean_y - slope * mean_x;
    let slope_uncertainty = (points.len() > 2).then(|| {
        let residuals: f64 = points.iter().map(|(x, y)| (y - intercept - slope * x).powi(2)).sum();
        let freedom = points.len() - 2;
        student(freedom) * (residuals / freedom as f64 / spread).sqrt()
    });
    Some(Line { slope, intercept, slope_uncertainty })
}

fn student(freedom: usize) -> f64 {
    STUDENT.get(freedom - 1).copied().unwrap_or(NORMAL)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By hand: residuals of 0.01, -0.13, 0.23 and -0.11, with squares of 0.082 in all, so 4.303 sqrt(0.082 / 2 / 5).
    #[test]
    fn the_slope_has_the_interval_of_textbooks() {
        let line = fit_line(&[(1.0, 2.1), (2.0, 3.9), (3.0, 6.2), (4.0, 7.8)]).unwrap();
        assert!((line.slope - 1.94).abs() < 1e-9 && (line.intercept - 0.15).abs() < 1e-9, "{line:?}");
        assert!((line.slope_uncertainty.unwrap() - 0.38965).abs() < 1e-4, "{line:?}");
    }

    #[test]
    fn what_has_no_line_has_none() {
        assert_eq!(fit_line(&[]), None);
        assert_eq!(fit_line(&[(1.0, 2.0)]), None);
        assert_eq!(fit_line(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(fit_line(&[(1.0, 2.0), (2.0, f64::NAN)]), None);
        assert_eq!(fit_line(&[(1.0, 2.0), (2.0, 4.0)]).unwrap().slope_uncertainty, None);
    }

    proptest! {
        #[test]
        fn points_on_a_line_give_it_back(slope in -5.0f64..5.0, intercept in -5.0f64..5.0, count in 3usize..40) {
            let points: Vec<(f64, f64)> = (0..count).map(|x| (x as f64, intercept + slope * x as f64)).collect();
            let line = fit_line(&points).unwrap();
            prop_assert!((line.slope - slope).abs() < 1e-9 && (line.intercept - intercept).abs() < 1e-9);
            prop_assert!(line.slope_uncertainty.unwrap() < 1e-6);
        }
    }
}
