use super::*;

fn open(configuration: &str, template: &str) -> Result<TemplateReader, Failure> {
    let contents = [configuration, template].map(|text| text.as_bytes().to_vec());
    TemplateReader::open(Files::new(&[TextFile::Configuration, TextFile::Template], &contents))
}

/// A template's text for one question.
fn written(template: &str) -> String {
    let template = open(r#"{"bos_token": "<s>", "pad_token": "<p>"}"#, template).unwrap();
    match template.segments(Some("Be <brief>."), &[], &["It's 3 > 2 & ä".into()]).unwrap() {
        Answer::Written { mut segments, .. } => segments.swap_remove(0),
        other => panic!("{other:?}"),
    }
}

fn refusal(configuration: &str) -> String {
    let contents = [configuration.as_bytes().to_vec()];
    match TemplateReader::open(Files::new(&[TextFile::Configuration], &contents)).unwrap_err() {
        Failure::Invalid { reason, .. } => reason,
        Failure::Ended(end) => panic!("{end}"),
    }
}

#[test]
fn what_nobody_gave_is_none_and_not_undefined() {
    let nothing = "{% if tools is not none %}tools{% endif %}{% if documents is defined %}{{ documents }}{% endif %}";
    assert_eq!(written(nothing), "None");
    assert_eq!(written("{{ tools is defined and not tools }}{{ custom is defined }}"), "TrueFalse");
    assert_eq!(written("{{ bos_token }}{{ pad_token }}{{ eos_token is defined }}{{ eos_token }}"), "<s><p>False");
}

#[test]
fn marks_for_training_write_what_is_in_them() {
    let template = "{% for m in messages %}\n{%- generation %}\n{{- m.content }}{% set x = 1 %}\n{%- endgeneration %}\n\
        {%- endfor %}{{ x is defined }}";
    assert_eq!(written(template), "Be <brief>.It's 3 > 2 & äFalse");
}

#[test]
fn the_clock_stands_still_and_a_remark_says_so() {
    let template = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% endif %}";
    assert_eq!(written(template), "26 Jul 2024");
    assert!(open("{}", template).unwrap().opened().remarks[0].contains("always 26 July 2024"));
}

/// As `json.dumps(x, ensure_ascii=False)` and its options.
#[test]
fn json_is_that_of_python() {
    assert_eq!(written("{{ messages[1] | tojson }}"), r#"{"role": "user", "content": "It's 3 > 2 & ä"}"#);
    assert_eq!(
        written("{{ {'b': [1, true, none, 1.5], 'a': {}} | tojson }}"),
        r#"{"b": [1, true, null, 1.5], "a": {}}"#
    );
    assert_eq!(
        written("{{ {'b': [1, 'x'], 'a': []} | tojson(indent=2, sort_keys=true) }}"),
        "{\n  \"a\": [],\n  \"b\": [\n    1,\n    \"x\"\n  ]\n}"
    );
    assert_eq!(written("{{ ['ä\n', 1] | tojson(separators=(',', ':'), ensure_ascii=true) }}"), r#"["\u00e4\n",1]"#);
}

#[test]
fn values_are_written_as_python_writes_them() {
    assert_eq!(
        written("{{ true }} {{ none }} {{ ['a', 1, false] }} {{ 'x' ~ true }}"),
        "True None ['a', 1, False] xTrue"
    );
    assert_eq!(written("{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}{{ v }}{% endfor %}"), "b1a2");
}

#[test]
fn lines_end_as_pythons_do() {
    assert_eq!(written("a\r\n{% if true %}\r\nb\rc{% endif %}\r\n"), "a\nb\nc");
}

#[test]
fn loops_can_be_left() {
    let template = "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.role }}{% endfor %}";
    assert_eq!(written(template), "system");
}

#[test]
fn of_several_templates_the_default_is_taken_and_named() {
    let templates = r#"{"chat_template": [{"name": "tools", "template": "t"}, {"name": "default", "template": "d"}]}"#;
    let contents = [templates.as_bytes().to_vec()];
    let template = TemplateReader::open(Files::new(&[TextFile::Configuration], &contents)).unwrap();
    assert_eq!(template.source, "d");
    assert!(template.opened().remarks[0].contains("(tools, default) \"default\" is used"));
    let object = r#"{"chat_template": {"rag": "r", "default": "d"}}"#;
    let contents = [object.as_bytes().to_vec()];
    let template = TemplateReader::open(Files::new(&[TextFile::Configuration], &contents)).unwrap();
    assert_eq!(template.source, "d");
    let reason = refusal(&templates.replace("default", "chat"));
    assert!(reason.contains("are tools, chat, and none is called \"default\""), "{reason}");
    for other in [r#"{"chat_template": 3}"#, r#"{"chat_template": []}"#, r#"{"chat_template": [{"name": "default"}]}"#]
    {
        assert!(refusal(other).contains("chat_template is neither"), "{other}");
    }
}

/// Jinja's output for pieces of templates, or `None` where it refuses them: see `fixtures/tokens/reference.py`.
#[test]
fn what_is_written_is_what_jinja_writes_or_refused() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tokens/expressions.json");
    let expressions: Vec<(String, Option<String>)> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(expressions.len() > 200);
    let (mut differences, mut refused) = (Vec::new(), 0);
    for (source, expected) in expressions {
        let written = open(r#"{"bos_token": "<s>", "pad_token": "<p>"}"#, &source)
            .and_then(|template| template.segments(Some("Be <brief>."), &[], &["It's 3 > 2 & ä".into()]));
        let written = written.map(|answer| match answer {
            Answer::Written { mut segments, .. } => segments.swap_remove(0),
            other => panic!("{other:?}"),
        });
        match (written, expected) {
            (Ok(written), Some(expected)) if written == expected => {}
            (Err(Failure::Invalid { .. }), _) => refused += 1,
            (written, expected) => differences.push(format!("{source:?}: {written:?}, Jinja {expected:?}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(refused < 60, "{refused}");
}
