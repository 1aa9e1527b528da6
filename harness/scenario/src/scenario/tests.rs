use std::fs;

use super::*;

/// The whole chain of reasons, as the program prints it.
fn told(read: Result<Scenario, ScenarioError>) -> String {
    format!("{:#}", anyhow::Error::from(read.unwrap_err()))
}

fn refused(text: &str) -> String {
    told(Scenario::parse(text, None))
}

#[test]
fn every_file_of_the_folder_ships() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(SHIPPED.contains(&text.as_str()), "{} is not in SHIPPED", path.display());
            let scenario = Scenario::parse(&text, None).unwrap();
            assert_eq!(path.file_stem().unwrap().to_string_lossy(), scenario.name);
            files += 1;
        }
    }
    assert_eq!(files, SHIPPED.len());
}

#[test]
fn what_is_run_unasked_ships() {
    let unasked = Scenario::unasked().unwrap();
    let names: Vec<&str> = unasked.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["chat", "api-call"]);
    let shipped: Vec<String> = Scenario::shipped().unwrap().into_iter().map(|scenario| scenario.name).collect();
    assert_eq!(Scenario::shipped_names(), shipped);
}

#[test]
fn shapes_are_known_by_name_and_survive_storage() {
    for name in ["chat", "api-call", "prefill-128", "decode-32", "prefill-128-decode-32"] {
        let scenario = Scenario::find(name).unwrap();
        assert_eq!(scenario.name, name);
        assert_eq!(Scenario::stored(&scenario.source()).unwrap(), scenario);
    }
    let shape = |name: &str| Scenario::find(name).unwrap().shape;
    assert_eq!(shape("prefill-128"), Shape::Synthetic { prompt_tokens: 128, output_tokens: 0 });
    assert_eq!(shape("decode-32"), Shape::Synthetic { prompt_tokens: 1, output_tokens: 32 });
    assert_eq!(shape("prefill-9-decode-2"), Shape::Synthetic { prompt_tokens: 9, output_tokens: 2 });
}

#[test]
fn unknown_and_senseless_scenarios_are_refused() {
    let unknown = Scenario::find("chatt").unwrap_err().to_string();
    assert!(unknown.contains("did you mean \"chat\"?") && unknown.contains("prefill-N"), "{unknown}");
    assert!(Scenario::find("nowhere.toml").unwrap_err().to_string().contains("cannot read the scenario nowhere.toml"));
    assert!(Scenario::find("prefill-0").unwrap_err().to_string().contains("from 1 to"));
    assert!(refused("name = \"A b\"\n[[turns]]\nuser = \"x\"").contains("lower-case"));
    assert!(refused("name = \"a\"").contains("no turns"));
    assert!(refused("name = \"a\"\n[[turns]]\nuser = \"x\"").contains("turn 1 has no output-tokens"));
    assert!(refused("name = \"a\"\nprompt = \"x\"").contains("prompt"));
    assert!(
        refused("name = \"a\"\nsystem = \"x\"\nsynthetic = { prompt-tokens = 1, output-tokens = 1 }")
            .contains("more than one of")
    );
}

#[test]
fn a_scenario_of_data_is_stored_whole_and_can_be_thinned_out() {
    let mut scenario = Scenario::find("api-call").unwrap();
    let all = scenario.talks().len();
    assert!(all >= 60, "{all}");
    assert!(scenario.data().unwrap().rejected.is_empty());
    let whole = scenario.sha256();
    scenario.keep(7);
    assert_eq!(scenario.talks().len(), 7);
    assert_ne!(scenario.sha256(), whole, "other items are another scenario");
    assert_eq!(Scenario::stored(&scenario.source()).unwrap(), scenario);
    let talk = &scenario.talks()[0];
    assert!(talk.system.as_ref().unwrap().contains("Functions:") && talk.name.starts_with("api-calls.jsonl:1 ("));
}

#[test]
fn files_of_other_people_are_scenarios() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dataset/fixtures");
    let find = |name: &str| Scenario::find(&fixtures.join(name).to_string_lossy()).unwrap();
    for (file, format) in
        [("mt_bench.jsonl", "MT-Bench"), ("sharegpt.json", "ShareGPT"), ("messages.jsonl", "messages")]
    {
        let scenario = find(file);
        assert!(scenario.data().unwrap().format.contains(format), "{}", scenario.data().unwrap().format);
        assert!(!scenario.talks().is_empty(), "{file}");
    }
}

#[test]
fn a_file_without_a_usable_row_is_refused_with_the_first_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talks.jsonl");
    fs::write(&path, "{\"messages\": []}\n").unwrap();
    let error = told(Scenario::find(&path.to_string_lossy()));
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn reasons_for_rows_without_end_are_counted_and_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mostly-bad.jsonl");
    let rows = format!("{}\n{}", r#"{"id": "a", "turns": ["Hello"]}"#, "1\n".repeat(1500));
    fs::write(&path, rows).unwrap();
    let scenario = Scenario::find(path.to_str().unwrap()).unwrap();
    let data = scenario.data().unwrap();
    assert_eq!((data.usable, data.rejected.len(), data.rejected_rows()), (1, 1000, 1500));
    assert_eq!(Scenario::stored(&scenario.source()).unwrap(), scenario);
}
