use super::*;
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Inner {
    count: usize,
    share: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Outer {
    one: Inner,
    #[serde(default)]
    some: Option<Inner>,
    #[serde(default)]
    list: Vec<Inner>,
    #[serde(default)]
    named: BTreeMap<String, Inner>,
    #[serde(default)]
    sizes: Vec<usize>,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    free: String,
}

settings!(Inner, "inner", { count: at_least(1.0).or("{} counts nothing"), share: between(0.0, 1.0) });
settings!(
    Outer, "outer", { one, some, list, named, sizes: from_to(2.0, 9.0), names: FILLED },
    free { free },
    with { one.share: above(0.5).or("{} is no majority") },
    also Self::fit
);

impl Outer {
    fn fit(&self, at: &SettingPath) -> Result<()> {
        if self.list.len() > 2 { at.field("list").refuse("too long") } else { Ok(()) }
    }
}

fn outer(change: serde_json::Value) -> Outer {
    let mut value = json!({ "one": { "count": 1, "share": 0.75 } });
    value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

#[test]
fn what_is_out_of_range_is_named_by_its_whole_path() {
    let good = json!({ "count": 1 });
    for (change, expected) in [
        (json!({ "one": { "count": 0 } }), "outer.one.count: 0 counts nothing"),
        (json!({ "one": { "count": 1, "share": 0.25 } }), "outer.one.share: 0.25 is no majority"),
        (
            json!({ "some": { "count": 1, "share": 1.0 } }),
            "outer.some.share: 1 is not above 0 and below 1",
        ),
        (json!({ "list": [good, { "count": 0 }] }), "outer.list[1].count: 0 counts nothing"),
        (json!({ "named": { "a/b": { "count": 0 } } }), "outer.named.a/b.count: 0 counts nothing"),
        (json!({ "sizes": [2, 10] }), "outer.sizes[1]: 10 is not from 2 to 9"),
        (json!({ "names": [] }), "outer.names: names none"),
        (json!({ "list": [good, good, good] }), "outer.list: too long"),
    ] {
        let error = outer(change).check().unwrap_err().to_string();
        assert_eq!(error, format!("setting {expected}"));
    }
    let good = outer(json!({ "some": null, "sizes": [], "names": ["a"], "free": "x" }));
    good.check().unwrap();
    assert_eq!(good.free, "x");
    let no_number = Inner { count: 1, share: Some(f64::NAN) }.check().unwrap_err().to_string();
    assert_eq!(no_number, "setting inner.share: NaN is not above 0 and below 1");
}

#[test]
fn the_schema_has_the_ranges_wherever_settings_stand() {
    let schema = schema::<Outer>().unwrap();
    let at = |pointer: &str| schema.pointer(pointer).unwrap_or(&Schema::Null).clone();
    for inner in
        ["/properties/some", "/properties/list/items", "/properties/named/additionalProperties"]
    {
        assert_eq!(at(&format!("{inner}/properties/count/minimum")), 1, "{inner}");
        assert_eq!(at(&format!("{inner}/properties/share/exclusiveMaximum")), 1, "{inner}");
        assert_eq!(at(&format!("{inner}/additionalProperties")), false, "{inner}");
    }
    assert_eq!(at("/properties/one/properties/share/exclusiveMinimum"), 0.5);
    assert_eq!(at("/properties/sizes/items/maximum"), 9);
    assert_eq!(at("/properties/names/minItems"), 1);
    assert_eq!(at("/required"), json!(["one"]));
    assert_eq!(at("/properties/one/properties/count/maximum"), u64::MAX);
}

#[test]
fn a_mistake_in_a_file_is_told_with_line_and_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.json");
    let said = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let error = read::<Outer>(&file).unwrap_err().to_string();
        error.strip_prefix(&file.display().to_string()).unwrap().to_owned()
    };
    // Of each two lines the first is the setting's own, and the value begins on the second.
    for (text, expected) in [
        ("{\n\"one\": {\n\"count\": 0}}", ", row 3: setting one.count: 0 counts nothing"),
        ("{\n\"one\":\n {\"count\":\n\n0}}", ", row 5: setting one.count: 0 counts nothing"),
        (
            "{\"one\": {\"count\": 1}, \"list\": [\n{\"count\": 1},\n{\"share\": 0.5,\n\"count\": 0}]}",
            ", row 4: setting list[1].count: 0 counts nothing",
        ),
        (
            "{\"one\": {\"count\": 1}, \"list\":\n[{\"count\": 1}, {\"count\": 1},\n{\"count\": 1}]}",
            ", row 2: setting list: too long",
        ),
        (
            "{\"one\": {\"count\": 1},\n \"named\": {\"\\u0061.b\":\n{\"count\": 0}}}",
            ", row 3: setting named.a.b.count: 0 counts nothing",
        ),
        (
            "{\n\"one\": {\n\"counts\": 1}}",
            ", row 3, field \"one.counts\": unknown field `counts`, expected `count` or `share`",
        ),
        (
            "{\"one\": {\"count\": 1},\n\"sizes\": [2,\n-2]}",
            ", row 3, field \"sizes[1]\": invalid value: integer `-2`, expected a whole number \
             from 0 upwards",
        ),
        (
            "{\"one\": {\"count\": 1,\n\"share\": \"half\"}}",
            ", row 2, field \"one.share\": invalid type: string \"half\", expected a number",
        ),
        ("{\n\"one\": {}}", ", row 2, field \"one\": missing field `count`"),
        ("{}\n", ", row 1: missing field `one`"),
        ("{\"one\":\n{\"count\": 1", ", row 2: EOF while parsing an object"),
        ("{\"one\": {\"count\": 1}}\n\n}", ", row 3: trailing characters"),
    ] {
        assert_eq!(said(text), expected, "{text}");
    }
}
