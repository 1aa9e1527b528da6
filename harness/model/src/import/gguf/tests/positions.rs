use super::*;
use crate::RopeScaling;

fn with_factors(fixture: &mut Fixture, factors: &[f32]) {
    let bytes = factors.iter().flat_map(|factor| factor.to_le_bytes()).collect();
    fixture.writer.tensors.push(("rope_freqs.weight".into(), vec![factors.len() as u64], 0, bytes));
}

/// As llama.cpp's converter writes Llama 3's scaling.
#[test]
fn the_tensor_of_frequency_factors_scales_positions() {
    let mut fixture = Fixture::new();
    let factors = [1.0, 1.0, 1.75, 4.5, 8.0, 8.0, 8.0, 8.0];
    with_factors(&mut fixture, &factors);
    let imported = fixture.import().unwrap();
    let expected = RopeScaling::Factors {
        factors: factors.iter().map(|factor| f64::from(*factor)).collect(),
        attention_factor: 1.0,
    };
    assert_eq!(imported.config().rope_scaling, Some(expected));
    let unscaled = fixture.seeded.config().rope_frequencies();
    let scaled = imported.config().rope_frequencies();
    assert_eq!((scaled[0], scaled[7]), (unscaled[0], unscaled[7] / 8.0));
}

#[test]
fn factors_that_do_not_fit_are_refused() {
    let refusal = |factors: &[f32]| {
        let mut fixture = Fixture::new();
        with_factors(&mut fixture, factors);
        fixture.refusal()
    };
    assert!(refusal(&[1.0; 4]).contains("there are 4 factors of rotary frequencies, but a head has 8"));
    assert!(refusal(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]).contains("is 0, which no model has"));
    let mut fixture = Fixture::new();
    with_factors(&mut fixture, &[1.0; 8]);
    assert_eq!(fixture.import().unwrap().config().rope_scaling, None);
}

#[test]
fn scaled_positions_come_out_as_they_went_in() {
    let mut fixture = Fixture::new();
    fixture.writer.set("llama.rope.scale_linear", 6, &4_f32.to_le_bytes());
    let imported = fixture.import().unwrap();
    assert_eq!(imported.config().rope_scaling, Some(RopeScaling::Linear { factor: 4.0 }));
    let mut fixture = Fixture::new();
    fixture.writer.set_text("llama.rope.scaling.type", "yarn");
    fixture.writer.set("llama.rope.scaling.factor", 6, &4_f32.to_le_bytes());
    fixture.writer.set_number("llama.rope.scaling.original_context_length", 512);
    match &fixture.import().unwrap().config().rope_scaling {
        Some(RopeScaling::Yarn(yarn)) => assert_eq!((yarn.factor, yarn.original_context), (4.0, 512)),
        other => panic!("{other:?}"),
    }
}
