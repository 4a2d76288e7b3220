"""What `ttp report` writes for other tools, opened by the libraries of those tools' makers.

`ttp-lib/crates/report/written/` holds bundles and layers as the code writes them; a test of that
crate says so. Two tests need packages that nothing else here needs, and say so where they are
missing. To run all:

    python -m venv formats
    formats/bin/pip install stix2==3.0.2 mitreattack-python==6.3.1
    (cd environment && ../formats/bin/python -m unittest tests.test_report_formats)
"""

from __future__ import annotations

import importlib.util
import json
import unittest

import project

CRATE = project.ROOT / "ttp-lib" / "crates" / "report"
WRITTEN = CRATE / "written"


def missing(package: str, version: str) -> "str | bool":
    if importlib.util.find_spec(package.replace("-python", "")):
        return False
    return f"no {package} here: pip install {package}=={version}"


def written(kind: str) -> "list[tuple[str, dict]]":
    files = sorted(WRITTEN.glob(f"{kind}*.json"))
    assert len(files) >= 3, f"{WRITTEN} is not whole"
    return [(file.name, json.loads(file.read_text(encoding="utf-8"))) for file in files]


# The tables of the Navigator's own description of format 4.5:
# https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md
# A field's type, and whether it must be there.
NUMBER, TEXT, FLAG = (int, float), str, bool
METADATA = {"name": (TEXT, True), "value": (TEXT, True)}
VERSIONS = {"attack": (TEXT, False), "navigator": (TEXT, True), "layer": (TEXT, True)}
TECHNIQUE = {
    "techniqueID": (TEXT, True), "tactic": (TEXT, False), "comment": (TEXT, False),
    "enabled": (FLAG, False), "score": (NUMBER, False), "color": (TEXT, False),
    "metadata": ([METADATA], False), "showSubtechniques": (FLAG, False),
}
LAYOUT = {
    "layout": (TEXT, False), "showID": (FLAG, False), "showName": (FLAG, False),
    "showAggregateScores": (FLAG, False), "countUnscored": (FLAG, False),
    "aggregateFunction": (TEXT, False), "expandedSubtechniques": (TEXT, False),
}
LAYER = {
    "versions": (VERSIONS, False), "name": (TEXT, True), "description": (TEXT, False),
    "domain": (TEXT, True), "sorting": (NUMBER, False), "layout": (LAYOUT, False),
    "hideDisabled": (FLAG, False), "techniques": ([TECHNIQUE], False),
    "gradient": ({"colors": ([TEXT], True), "minValue": (NUMBER, True), "maxValue": (NUMBER, True)},
                 False),
    "legendItems": ([{"label": (TEXT, True), "color": (TEXT, True)}], False),
    "metadata": ([METADATA], False),
}


def faults(value, shape, at: str = "layer") -> "list[str]":
    """Where a value departs from a table."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at}: no list"]
        return [fault for number, item in enumerate(value)
                for fault in faults(item, shape[0], f"{at}[{number}]")]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{at}: no object"]
        found = [f"{at}: unknown field {name}" for name in value if name not in shape]
        found += [f"{at}: no {name}" for name, (_, needed) in shape.items()
                  if needed and name not in value]
        return found + [fault for name, item in value.items() if name in shape
                        for fault in faults(item, shape[name][0], f"{at}.{name}")]
    fits = isinstance(value, shape) and (shape is FLAG or not isinstance(value, bool))
    return [] if fits else [f"{at}: {value!r}"]


class Layers(unittest.TestCase):
    def test_the_fields_are_those_of_the_navigators_description(self) -> None:
        for name, layer in written("layer"):
            with self.subTest(name):
                self.assertEqual(faults(layer, LAYER), [])
                self.assertEqual(layer["versions"]["layer"], "4.5")
                self.assertIn(layer["domain"], ("enterprise-attack", "mobile-attack", "ics-attack"))
                self.assertIn(layer["sorting"], (0, 1, 2, 3))
                self.assertIn(layer["layout"]["expandedSubtechniques"], ("none", "all", "annotated"))
                self.assertGreaterEqual(len(layer["gradient"]["colors"]), 2)
                self.assertGreater(layer["gradient"]["maxValue"], layer["gradient"]["minValue"])
                for technique in layer["techniques"]:
                    self.assertRegex(technique["techniqueID"], r"^T\d{4}(\.\d{3})?$")

    def test_a_fault_is_seen(self) -> None:
        _, layer = written("layer")[1]
        layer["techniques"][0]["score"] = "93"
        layer["techniques"][0]["certainty"] = 1
        layer["hideDisabled"] = 0
        del layer["domain"]
        self.assertEqual(len(faults(layer, LAYER)), 4)

    @unittest.skipIf(missing("mitreattack-python", "6.3.1"), missing("mitreattack-python", "6.3.1"))
    def test_mitres_reader_takes_all_of_them(self) -> None:
        from mitreattack.navlayers import Layer
        for name, layer in written("layer"):
            with self.subTest(name):
                read = Layer(strict=True)
                read.from_file(str(WRITTEN / name))
                self.assertIsNotNone(read.layer)
                again = read.to_dict()
                for field in ("name", "domain", "description", "gradient", "legendItems", "metadata",
                              "versions", "layout"):
                    self.assertEqual(again[field], layer[field], field)
                scores = {one["techniqueID"]: (one["score"], one["comment"])
                          for one in again.get("techniques", [])}
                self.assertEqual(scores, {one["techniqueID"]: (one["score"], one["comment"])
                                          for one in layer["techniques"]})


@unittest.skipIf(missing("stix2", "3.0.2"), missing("stix2", "3.0.2"))
class Bundles(unittest.TestCase):
    def test_every_object_is_stix(self) -> None:
        import stix2
        for name, bundle in written("bundle"):
            with self.subTest(name):
                # Nothing beside the specification's own fields and types.
                parsed = stix2.parse(bundle, allow_custom=False, version="2.1")
                self.assertEqual(json.loads(parsed.serialize()).keys(), bundle.keys())
                kinds = [thing.type for thing in parsed.objects]
                self.assertEqual(kinds.count("report"), 1)
                self.assertEqual(len({thing.id for thing in parsed.objects}), len(kinds))

    def test_a_fault_is_seen(self) -> None:
        import stix2
        _, bundle = written("bundle")[1]
        note = next(thing for thing in bundle["objects"] if thing["type"] == "note")
        for wrong in ({"certainty": 93}, {"object_refs": []}, {"created": "yesterday"}):
            bad = {**bundle, "objects": [{**note, **wrong}]}
            with self.subTest(wrong), self.assertRaises((stix2.exceptions.STIXError, ValueError)):
                stix2.parse(bad, allow_custom=False, version="2.1")

    def test_a_store_leads_from_the_report_to_its_sentences(self) -> None:
        import stix2
        store = stix2.MemoryStore(stix_data=dict(written("bundle"))["bundle.json"])
        report, = store.query([stix2.Filter("type", "=", "report")])
        things = [store.get(one) for one in report.object_refs]
        self.assertNotIn(None, things)
        techniques = [one for one in things if one.type == "attack-pattern"]
        self.assertEqual([one.external_references[0].external_id for one in techniques],
                         ["T1059.001", "T1105"])
        notes = [one for one in things if one.type == "note"]
        self.assertEqual([note.object_refs[0] for note in notes],
                         [techniques[0].id, techniques[0].id, techniques[1].id])
        self.assertEqual([note.confidence for note in notes], [93, 66, 71])

    def test_a_store_that_has_attack_keeps_mitres_text(self) -> None:
        import stix2
        bundle = dict(written("bundle"))["bundle.json"]
        stub = next(thing for thing in bundle["objects"] if thing["type"] == "attack-pattern")
        mitres = {**stub, "created": "2020-03-09T13:48:55.078Z", "modified": "2024-03-01T15:36:37.232Z",
                  "description": "MITRE's own text."}
        for order in ([mitres, bundle], [bundle, mitres]):
            store = stix2.MemoryStore()
            for thing in order:
                store.add(thing)
            self.assertEqual(store.get(stub["id"]).get("description"), "MITRE's own text.")


if __name__ == "__main__":
    unittest.main()
