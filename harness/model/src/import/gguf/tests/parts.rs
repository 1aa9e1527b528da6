use super::*;

/// The fixture's file split into parts, below its folder.
fn split(fixture: &mut Fixture, count: usize) -> Vec<PathBuf> {
    let tensors = std::mem::take(&mut fixture.writer.tensors);
    let keys = fixture.writer.keys.clone();
    let (each, all) = (tensors.len().div_ceil(count), tensors.len());
    let mut paths = Vec::new();
    for (number, tensors) in tensors.chunks(each).enumerate() {
        // Parts other than the first have no other keys.
        let keys = if number == 0 { keys.clone() } else { Vec::new() };
        let mut part = Writer { keys, tensors: tensors.to_vec() };
        part.set("split.no", 2, &(number as u16).to_le_bytes());
        part.set("split.count", 2, &(count as u16).to_le_bytes());
        part.set("split.tensors.count", 5, &(all as i32).to_le_bytes());
        let path = fixture.root.path().join(format!("tiny-{:05}-of-{count:05}.gguf", number + 1));
        fs::write(&path, part.finish().0).unwrap();
        paths.push(path);
    }
    paths
}

#[test]
fn a_model_in_parts_is_that_of_the_whole_file_whichever_part_is_given() {
    let mut fixture = Fixture::new();
    let whole = fixture.import().unwrap();
    let parts = split(&mut fixture, 3);
    let weights = |folder: &ModelFolder| sha256_of_file(&folder.weights_path()).unwrap();
    for (index, part) in parts.iter().enumerate() {
        let target = fixture.root.path().join(format!("from-{index}"));
        let imported = import(part, "tiny", &target).unwrap();
        assert_eq!((imported.config(), weights(&imported)), (whole.config(), weights(&whole)));
        let origin = ModelManifest::read(&imported).unwrap().origin_text();
        assert_eq!(origin, "imported from tiny-00001-of-00003.gguf (GGUF F32)");
    }
}

#[test]
fn a_part_that_is_missing_or_of_another_model_is_reported_by_its_name() {
    let mut fixture = Fixture::new();
    let parts = split(&mut fixture, 3);
    let refusal = |path: &Path| import(path, "tiny", &fixture.root.path().join("not")).unwrap_err().to_string();
    let second = fs::read(&parts[1]).unwrap();
    let renamed = fixture.root.path().join("second.gguf");
    fs::write(&renamed, &second).unwrap();
    let error = refusal(&renamed);
    assert!(error.contains("it is part 2 of 3 (split.count) of a model, but its name does not end in"), "{error}");
    assert!(error.contains("-00002-of-00003.gguf") && error.contains("llama-gguf-split --merge"), "{error}");
    fs::copy(&parts[0], &parts[1]).unwrap();
    assert!(refusal(&parts[0]).contains("it does not say that it is part 2 of 3 (split.no, split.count)"));
    fs::remove_file(&parts[1]).unwrap();
    let error = refusal(&parts[2]);
    assert!(error.contains("it is part 3 of 3") && error.contains("there is no tiny-00002-of-00003.gguf:"), "{error}");
    let mut short = Writer { keys: Vec::new(), tensors: Vec::new() };
    short.set("split.no", 2, &1_u16.to_le_bytes());
    short.set("split.count", 2, &3_u16.to_le_bytes());
    fs::write(&parts[1], short.finish().0).unwrap();
    let error = refusal(&parts[0]);
    assert!(error.contains("tensors in its 3 parts, but split.tensors.count is 20"), "{error}");
}

#[test]
fn one_part_is_a_whole_file_and_an_absurd_number_is_refused() {
    let mut one = Fixture::new();
    one.writer.set("split.count", 2, &1_u16.to_le_bytes());
    one.import().unwrap();
    let mut whole = Fixture::new();
    whole.writer.set("split.count", 4, &4_000_000_000_u32.to_le_bytes());
    assert!(whole.refusal().contains("\"split.no\" is missing"));
    whole.writer.set("split.no", 4, &5_u32.to_le_bytes());
    let named = whole.root.path().join("tiny-00006-of-4000000000.gguf");
    fs::write(&named, whole.writer.finish().0).unwrap();
    let error = import(&named, "tiny", &whole.root.path().join("not")).unwrap_err().to_string();
    assert!(error.contains("there is no tiny-00001-of-4000000000.gguf, ") && error.contains(" and more"), "{error}");
}
