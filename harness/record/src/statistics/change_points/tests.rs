use proptest::prelude::*;

use super::{
    ChangePoint, LEAST_VALUES, RankSums, change_points as change_points_with, could_be_found,
    simulated::{Numbers, Scatter},
};

const MARGIN: f64 = 0.01;

fn change_points(values: &[f64], margin: f64) -> Vec<ChangePoint> {
    change_points_with(values, margin, &mut RankSums::default())
}

fn places(values: &[f64]) -> Vec<(usize, usize)> {
    change_points(values, MARGIN).iter().map(|change| (change.first, change.found)).collect()
}

#[test]
fn a_step_is_found_with_its_size() {
    for factor in [0.95, 1.05] {
        let values = Numbers(3).with_step(Scatter::Normal, 0.01, 40, 30, factor);
        let changes = change_points(&values, MARGIN);
        assert_eq!(changes.len(), 1, "{changes:?}");
        let ChangePoint { first, found, p_value, p_value_now, before, after, shift } = changes[0];
        assert_eq!(first, 40);
        assert!((43..=44).contains(&found) && p_value < 1.5e-4, "{changes:?}");
        assert!(p_value_now.unwrap() < 1e-12, "what comes later makes it surer: {changes:?}");
        let shift = shift.unwrap();
        let (low, high) = shift.range.unwrap();
        assert!(low < factor && factor < high && high - low < 0.02, "{shift:?}");
        assert!((after / before - factor).abs() < 0.01 && (shift.ratio - factor).abs() < 0.01, "{changes:?}");
    }
}

#[test]
fn fewer_values_show_nothing() {
    let could_be = |first: usize, values: usize| could_be_found(first, values - first, &mut RankSums::default());
    let step = |first: usize, values: usize| -> Vec<f64> {
        (0..values).map(|place| f64::from(place >= first) + 1.0 + (place * 7 % 5) as f64 / 1e6).collect()
    };
    for first in 0..LEAST_VALUES {
        assert!(!could_be(first, LEAST_VALUES - 1), "{first}");
        assert_eq!(places(&step(first, LEAST_VALUES - 1)), [], "{first}");
    }
    assert!(could_be(9, LEAST_VALUES) && !could_be(LEAST_VALUES - 3, LEAST_VALUES));
    assert_eq!(places(&step(9, LEAST_VALUES)), [(9, LEAST_VALUES - 1)]);
}

#[test]
fn several_steps_are_told_apart() {
    let mut values = Numbers(5).with_step(Scatter::Normal, 0.01, 40, 40, 1.06);
    values.extend(Numbers(6).history(Scatter::Normal, 0.01, 40));
    let found = places(&values);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].0.abs_diff(40) <= 1 && found[1].0.abs_diff(80) <= 1, "{found:?}");
}

#[test]
fn a_few_disturbed_runs_are_no_change_whatever_they_show() {
    for disturbed in 1..=3 {
        let mut values = Numbers(7).history(Scatter::Normal, 0.01, 100);
        for value in &mut values[60..60 + disturbed] {
            *value /= 100.0;
        }
        assert_eq!(places(&values), [], "{disturbed}");
    }
}

#[test]
fn what_has_one_value_changes_when_it_has_another() {
    let mut values = vec![7.0; 30];
    assert_eq!(places(&values), []);
    values.extend([8.0; 10]);
    assert_eq!(places(&values), [(30, 33)]);
    let changes = change_points(&values, MARGIN);
    assert_eq!((changes[0].before, changes[0].after), (7.0, 8.0));
    assert_eq!(change_points(&values, 0.2), [], "within the margin");
    let from_zero: Vec<f64> = values.iter().map(|value| value - 7.0).collect();
    assert_eq!(change_points(&from_zero, MARGIN)[0].shift, None, "nothing is a multiple of zero");
}

#[test]
fn what_is_no_number_is_passed_over() {
    let mut values = Numbers(3).with_step(Scatter::Normal, 0.01, 40, 30, 1.05);
    let expected: Vec<(usize, usize)> = places(&values).iter().map(|(first, found)| (first + 2, found + 2)).collect();
    values.insert(11, f64::NAN);
    values.insert(20, f64::INFINITY);
    assert_eq!(places(&values), expected);
    assert_eq!(places(&[]), []);
    assert_eq!(places(&[f64::NAN; 50]), []);
}

/// The whole table is printed by the example `change-points`.
#[test]
fn false_alarms_are_rare_and_steps_are_found() {
    let mut numbers = Numbers(1);
    let scatters = [
        Scatter::Normal,
        Scatter::HeavyTails,
        Scatter::Skewed,
        Scatter::TwoLevels,
        Scatter::Outliers,
        Scatter::Pairs,
        Scatter::Drift(0.0005),
        Scatter::Alike(0.2),
        Scatter::Wave,
        Scatter::Walk,
    ];
    let false_alarms: usize = scatters.map(|scatter| places(&numbers.history(scatter, 0.0125, 250)).len()).iter().sum();
    assert!(false_alarms <= 5, "{false_alarms} in 2500");
    let found = (0..40).filter(|number| {
        let factor = if number % 2 == 0 { 1.05 } else { 0.95 };
        let values = numbers.with_step(Scatter::Normal, 0.0125, 60, 5, factor);
        places(&values).iter().any(|(first, found)| first.abs_diff(60) <= 4 && *found >= 60)
    });
    let found = found.count();
    assert!(found >= 38, "{found} of 40");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// So what a dashboard showed yesterday it shows tomorrow.
    #[test]
    fn the_future_changes_nothing_that_was_found(seed in any::<u64>(), step in 0.9f64..1.1, cut in 20usize..120) {
        let values = Numbers(seed).with_step(Scatter::Normal, 0.01, 60, 60, step);
        let known = |changes: Vec<ChangePoint>| -> Vec<(usize, usize, f64)> {
            changes.iter().map(|change| (change.first, change.found, change.p_value)).collect()
        };
        let then = known(change_points(&values[..cut], MARGIN));
        let now = known(change_points(&values, MARGIN));
        prop_assert!(now.starts_with(&then), "{then:?} {now:?}");
        prop_assert!(now[then.len()..].iter().all(|(_, found, _)| *found >= cut), "{now:?} {cut}");
    }

    #[test]
    fn units_do_not_matter(seed in any::<u64>(), factor in 1e-6f64..1e9) {
        let values = Numbers(seed).with_step(Scatter::HeavyTails, 0.01, 50, 20, 1.06);
        let other: Vec<f64> = values.iter().map(|value| value * factor).collect();
        prop_assert_eq!(places(&other), places(&values));
    }

    #[test]
    fn any_numbers_are_taken(values in prop::collection::vec(any::<f64>(), 0..60)) {
        for change in change_points(&values, MARGIN) {
            prop_assert!(change.first <= change.found && change.found < values.len());
        }
    }
}
