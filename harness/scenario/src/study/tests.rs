use super::*;
use crate::Scenario;

#[test]
fn shipped_studies_name_scenarios_that_exist_and_survive_storage() {
    let studies = Study::shipped().unwrap();
    assert_eq!(studies.len(), SHIPPED.len());
    for study in studies {
        study.scenarios().iter().for_each(|name| drop(Scenario::find(name).unwrap()));
        assert!(study.shown().iter().any(|shown| shown.chart), "{} draws nothing", study.name());
        assert_eq!(Study::stored(&study.source()).unwrap(), study);
    }
}

#[test]
fn the_user_chooses_the_model_or_some_of_them() {
    let chosen = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let mut study = Study::find("kv-heads").unwrap();
    let models = study.choose_models(&chosen(&["tiny"])).unwrap();
    assert_eq!(models, ["tiny+kv1", "tiny+kv3", "tiny+kv9"]);
    assert_eq!((study.label("tiny+kv9"), study.label("other")), ("9 key-value heads", "other"));
    assert_eq!(Study::stored(&study.source()).unwrap().position("tiny+kv3"), Some(1));
    let error = study.choose_models(&chosen(&["tiny", "tiny-ls"])).unwrap_err().to_string();
    assert_eq!(error, "study \"kv-heads\" is about one model: name one with --model");
    let mut sizes = Study::find("model-size").unwrap();
    assert_eq!(sizes.choose_models(&chosen(&["mobilellm-350m"])).unwrap(), ["mobilellm-350m"]);
}

#[test]
fn what_is_no_study_is_refused_with_the_reason() {
    let refused = |change: (&str, &str)| {
        let text = SHIPPED[0].replace(change.0, change.1);
        assert_ne!(text, SHIPPED[0]);
        Study::parse(&text).unwrap_err().to_string()
    };
    assert_eq!(
        refused(("metric = \"load_time\"", "metric = \"speed\"")),
        "study \"layer-sharing\": there is no metric \"speed\""
    );
    assert_eq!(
        refused(("39.2, 43.6, 68.6", "39.2")),
        "study \"layer-sharing\": \"paper, load\" has 1 values for 3 models"
    );
    assert!(refused(("axis = \"model\"", "axis = \"prompt\"\nmodel = \"tiny\"")).contains("remove the key model"));
    assert!(refused(("ratios = true", "ratio = true")).contains("unknown field `ratio`"));
    assert!(refused(("\"layer-sharing\"", "\"../../evil\"")).contains("would lead elsewhere"));
    assert!(refused(("ratios = true", "threads = [1, 4294967295]")).contains("4294967295 threads are not from 1"));
    let error = Study::find("/dev/zero").unwrap_err().to_string();
    assert!(error.contains("it is a pipe, socket or device"), "{error}");
    let error = Study::find("depht").unwrap_err().to_string();
    assert!(error.contains("did you mean") || error.contains("depth"), "{error}");
}
