"""When a run's results still stand, and when they do not."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from unittest import mock

import freshness
import machine
import profiles
import project
from profiles import Profile
from project import Problem
from tests.support import PROFILE, House, notebook

NAMES = ("TTP_OUT", "TTP_PROFILE", "TTP_CHECKPOINT", "TTP_SOURCES", "TTP_MODELS", "TTP_LIBTORCH", "CUDA")


class WithRun(House):
    """One notebook, run under the smoke profile."""

    def setUp(self) -> None:
        super().setUp()
        for module, name, value in (
            (project, "ROOT", self.root),
            (project, "NOTEBOOKS", self.root / "notebooks"),
            (project, "ENVIRONMENT", self.root / "environment"),
            (profiles, "FOLDER", self.root / "notebooks/profiles"),
            (profiles, "CATALOGUE", self.root / "ttp-lib/crates/model/src/pretrained/catalogue.json"),
        ):
            self.entered(mock.patch.object(module, name, value))
        self.entered(mock.patch.object(machine, "rustc", lambda: "1.95.0"))
        self.entered(mock.patch.dict(os.environ, {**dict.fromkeys(NAMES, ""),
                                                  "XDG_CACHE_HOME": str(self.cache)}))
        self.write("data/raw/attack-v10.1/bundle.json", "{}")
        self.path = self.write("notebooks/01_corpus.ipynb", notebook(
            "# Corpus", "let x = 1;", inputs=["data/raw/attack-v10.1/bundle.json"],
            outputs=["data/processed/splits", "results/corpus.*.json"]))
        self.ran()

    def state(self, checkpoint: "str | None" = None, profile: str = "smoke") -> freshness.State:
        return freshness.State(self.path, "01_corpus", Profile.read(profile), checkpoint)

    def ran(self, **settings) -> None:
        state = self.state(**settings)
        state.begin()
        for name in ("data/processed/splits/train.csv", "data/processed/splits/test.csv",
                     "results/corpus.a.json", "reports/01_corpus.ipynb", "reports/01_corpus.html"):
            self.write(name, "made")
        state.check_outputs()
        state.remember(1.0, "look")
        self.assertTrue(self.state(**settings).is_up_to_date())


class Freshness(WithRun):
    def stale_after(self, change) -> None:
        """A change makes the run stale, and taking it back makes it stand again."""
        self.assertTrue(self.state().is_up_to_date())
        undo = change()
        self.assertFalse(self.state().is_up_to_date())
        undo()
        self.assertTrue(self.state().is_up_to_date())

    def edit(self, name: str, content: "str | None"):
        """Changes, adds or removes a file; the way back."""
        path = self.root / name
        before = path.read_bytes() if path.exists() else None

        def undo() -> None:
            path.unlink(missing_ok=True)
            if before is not None:
                path.write_bytes(before)

        if content is None:
            path.unlink()
        else:
            self.write(name, content)
        return undo

    def test_any_file_that_it_depends_on(self) -> None:
        changed = json.loads(self.path.read_text())
        changed["cells"][1]["source"] = "let x = 2;"
        for name, content in (
            ("notebooks/01_corpus.ipynb", json.dumps(changed)),
            ("data/raw/attack-v10.1/bundle.json", "{ }"),
            ("ttp-lib/src/lib.rs", "// other"),
            ("ttp-lib/src/new.rs", ""),
            ("ttp-lib/Cargo.toml", "# other"),
            ("Cargo.toml", "# other"),
            ("Cargo.lock", "# other"),
            (".cargo/config.toml", "# other"),
            ("environment/kernel/evcxr.toml", "# other"),
            ("environment/kernel/init.evcxr", "// other"),
            ("notebooks/profiles/smoke.json", json.dumps({**PROFILE, "seed": 2})),
            ("results/corpus.a.json", "edited"),
            ("results/corpus.a.json", None),
            ("data/processed/splits/test.csv", "edited"),
            ("data/processed/splits/test.csv", None),
            ("reports/01_corpus.html", None),
            ("reports/01_corpus.ipynb", None),
            ("reports/.runs/01_corpus.json", "half a rec"),
        ):
            with self.subTest(name):
                self.stale_after(lambda: self.edit(name, content))

    def test_what_does_not_matter(self) -> None:
        for name in ("README.md", "ttp-lib/tests/a.rs", "notebooks/02_next.ipynb",
                     "notebooks/profiles/laptop.json"):
            self.write(name, "new")
        os.utime(self.root / "ttp-lib/src/lib.rs")
        self.assertTrue(self.state().is_up_to_date())

    def test_versions_and_settings(self) -> None:
        def patch(patcher):
            patcher.start()
            return patcher.stop

        self.stale_after(lambda: patch(mock.patch.object(project, "EVCXR_VERSION", "0.99.0")))
        self.stale_after(lambda: patch(mock.patch.object(machine, "rustc", lambda: "9.9.9")))
        self.stale_after(lambda: patch(mock.patch.object(machine, "libtorch", lambda: "9.9.9 (CPU)")))
        for name in freshness.SETTINGS:
            with self.subTest(name):
                folder = str(self.root) if name == "TTP_LIBTORCH" else "x"
                (self.root / "lib").mkdir(exist_ok=True)
                (self.root / "include").mkdir(exist_ok=True)
                self.stale_after(lambda: patch(mock.patch.dict(os.environ, {name: folder})))

    def test_another_profile_is_another_run(self) -> None:
        self.write("notebooks/profiles/other.json", json.dumps(PROFILE))
        self.assertFalse(self.state(profile="other").is_up_to_date())

    def test_a_csv_of_ones_own(self) -> None:
        self.write("own.csv", "sentence,label\n")
        source = {"csv": {"path": "own.csv", "sentence": "sentence", "technique": "label"}}
        self.write("notebooks/profiles/own.json", json.dumps({**PROFILE, "corpus": {"source": source}}))
        self.ran(profile="own")
        self.write("own.csv", "sentence,label\nmore,T1059\n")
        self.assertFalse(self.state(profile="own").is_up_to_date())

    def test_texts_that_the_profile_joins(self) -> None:
        corpus = {"source": "attack-v10.1", "join_tram_v1": True}
        self.write("notebooks/profiles/own.json", json.dumps({**PROFILE, "corpus": corpus}))
        self.write("data/raw/tram-v1/all_analyzed_reports.json", "{}")
        self.ran(profile="own")
        self.write("data/raw/tram-v1/all_analyzed_reports.json", "{ }")
        self.assertFalse(self.state(profile="own").is_up_to_date())

    def test_bundles_that_the_profile_reads(self) -> None:
        late = "data/raw/attack-v15/enterprise-attack.json"
        for source, path in (("attack-v15", late), ({"bundle": "a.json"}, "a.json"),
                             ("c.json", "c.json"), ({"bundle": {"path": "d.json"}}, "d.json"),
                             ({"bundle": ["b.json", "a.json"]}, "a.json")):
            with self.subTest(path):
                corpus = {"source": source}
                self.write("notebooks/profiles/own.json", json.dumps({**PROFILE, "corpus": corpus}))
                self.write(path, "{}")
                self.write("b.json", "{}")
                self.ran(profile="own")
                self.assertTrue(self.state(profile="own").is_up_to_date())
                self.write(path, "{ }")
                self.assertFalse(self.state(profile="own").is_up_to_date())

    def test_an_edit_while_it_runs_counts(self) -> None:
        for name in ("ttp-lib/src/lib.rs", "notebooks/01_corpus.ipynb"):
            state = self.state()
            state.begin()
            undo = self.edit(name, self.path.read_text() + " ")
            for output in ("data/processed/splits/train.csv", "results/corpus.a.json"):
                self.write(output, "made again")
            state.remember(1.0, "look")
            self.assertFalse(self.state().is_up_to_date(), name)
            undo()
            self.assertTrue(self.state().is_up_to_date(), name)

    def test_a_run_that_breaks_off_is_no_run(self) -> None:
        self.state().begin()
        self.assertFalse(self.state().is_up_to_date())
        self.assertEqual(freshness.made_under("smoke"), set())

    def test_an_input_that_is_not_there(self) -> None:
        (self.root / "data/raw/attack-v10.1/bundle.json").unlink()
        with self.assertRaisesRegex(Problem, "01_corpus.ipynb reads .*bundle.json, which is not there"):
            self.state().begin()
        self.assertTrue((self.root / "reports/.runs/01_corpus.json").exists())

    def test_files_are_where_the_library_looks_for_them(self) -> None:
        own = self.write("mine/attack-v10.1/bundle.json", "{}")
        raw, models = "data/raw/tram-v1/a.json", "data/raw/models/{checkpoint}"
        out = self.root / "out"
        (self.root / "notebooks/profiles/bert").mkdir()
        cases = (
            ({}, None, raw, self.root / raw),
            ({"TTP_SOURCES": "mine"}, None, raw, self.root / raw),
            ({"TTP_SOURCES": "mine"}, None, "data/raw/attack-v10.1/bundle.json", own),
            ({}, "minilm", models, self.root / "data/raw/models/minilm"),
            ({"TTP_MODELS": "mine"}, "minilm", models, self.root / "mine/minilm"),
            # What it is made from.
            ({}, "further", models, self.root / "data/raw/models/one"),
            ({}, "random", models, self.root / "data/raw/models/one"),
            ({"TTP_MODELS": "mine"}, "hubbed", models, self.root / "mine/hubbed"),
            ({"TTP_MODELS": "mine"}, "owner/name", models, self.root / "mine/owner/name"),
            ({"TTP_MODELS": "mine"}, "/far/bert", models, Path("/far/bert")),
            ({}, "mine/bert", models, self.root / "mine/bert"),
            ({}, "profiles/bert", models, self.root / "notebooks/profiles/bert"),
            ({"TTP_OUT": str(out)}, "/far/bert", "results/finetune.{checkpoint}.*.json",
             out / "results/finetune.bert.*.json"),
            ({"TTP_OUT": str(out)}, None, "models/a", out / "models/a"),
            ({"TTP_OUT": str(out)}, None, "data/processed/a", out / "data/processed/a"),
        )
        for variables, checkpoint, entry, wanted in cases:
            with self.subTest(entry, **variables), mock.patch.dict(os.environ, variables):
                self.assertEqual(self.state(checkpoint).place(entry), wanted)


    def test_a_checkpoint_of_the_hub_is_no_input(self) -> None:
        self.path = self.write("notebooks/01_corpus.ipynb", notebook(
            "let x = 1;", inputs=["data/raw/models/{checkpoint}"], outputs=["results/a.json"]))
        self.assertEqual(self.state("hubbed").inputs, [])
        self.assertEqual(self.state("owner/name").inputs, [])
        self.assertEqual(self.state("one").inputs, [self.root / "data/raw/models/one"])
        with mock.patch.dict(os.environ, {"TTP_MODELS": "mine"}):
            self.assertEqual(self.state("hubbed").inputs, [self.root / "mine/hubbed"])

    def test_what_a_notebook_may_read_need_not_be_there_and_is_noticed(self) -> None:
        self.path = self.write("notebooks/01_corpus.ipynb", notebook(
            "let x = 1;", outputs=["results/corpus.*.json"],
            may_read=["results/other.json", "results/some.*.json"]))
        self.ran()
        self.assertTrue(self.state().is_up_to_date())
        self.state().check_inputs()
        for name in ("results/other.json", "results/some.a.json"):
            self.write(name, "of another notebook")
            self.assertFalse(self.state().is_up_to_date(), name)
            self.ran()
            self.assertTrue(self.state().is_up_to_date(), name)

    def test_what_a_notebook_may_write_is_an_output_that_can_be_missing(self) -> None:
        self.path = self.write("notebooks/01_corpus.ipynb", notebook(
            "let x = 1;", outputs=["results/corpus.*.json"], may_write=["results/more.json"]))
        self.ran()
        state = self.state()
        state.begin()
        for name in ("results/corpus.a.json", "results/more.json"):
            self.write(name, "made again")
            os.utime(self.root / name, (1, 1))
        state.check_outputs()
        self.assertTrue((self.root / "results/more.json").exists())
        # A run that did not write it: what is there is not its own, and goes.
        state = self.state()
        state.begin()
        self.write("results/corpus.a.json", "made once more")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            state.check_outputs()
        self.assertIn("results/more.json is of an earlier run", said.getvalue())
        self.assertFalse((self.root / "results/more.json").exists())


NEXT = notebook("let y = 1;", inputs=["data/processed/splits"],
                outputs=["results/finetune.{checkpoint}.*.json"], per_checkpoint=True)


class OtherProfiles(WithRun):
    """A run under another profile: nothing of the first is lost, and nothing is mixed."""

    def setUp(self) -> None:
        super().setUp()
        self.write("notebooks/profiles/other.json", json.dumps(PROFILE))
        self.next = self.write("notebooks/04_train.ipynb", NEXT)
        self.train("smoke")
        self.smoke = self.standing()

    def trained(self, profile: str) -> freshness.State:
        return freshness.State(self.next, "04_train.one", Profile.read(profile), "one")

    def train(self, profile: str) -> None:
        self.run_whole(self.trained(profile), profile, (
            "results/finetune.one.clean.json", "models/one.clean/config.json",
            "reports/04_train.one.html", "reports/04_train.one.ipynb"))

    def corpus(self, profile: str) -> None:
        self.run_whole(self.state(profile=profile), profile, (
            "data/processed/splits/train.csv", "results/corpus.a.json",
            "reports/01_corpus.ipynb", "reports/01_corpus.html"))

    def run_whole(self, state: freshness.State, profile: str, names: "tuple[str, ...]") -> None:
        state.begin()
        for name in names:
            self.write(name, f"made under {profile}")
        state.check_outputs()
        state.remember(1.0, "look")

    def standing(self) -> "dict[str, bytes]":
        return {f"{folder}/{name}": content
                for folder in ("data/processed", "models", "reports", "results")
                for name, content in self.files(self.root / folder).items()
                if not name.startswith(".earlier")}

    def settle(self, profile: str, *names: str) -> None:
        with mock.patch("builtins.print"):
            freshness.settle(Profile.read(profile), list(names) or None)

    def test_a_whole_run_sets_the_first_aside_and_it_comes_back(self) -> None:
        self.write("reports/results.json", "of smoke")
        self.settle("other")
        self.assertEqual(self.standing(), {})
        aside = self.files(self.root / "reports/.earlier/smoke")
        self.assertEqual(aside["models/one.clean/config.json"], b"made under smoke")
        self.assertEqual(set(aside), {*self.smoke, "reports/results.json"})
        self.corpus("other")
        self.train("other")
        self.settle("smoke")
        self.assertEqual(self.standing(), self.smoke)
        self.assertTrue(self.state().is_up_to_date() and self.trained("smoke").is_up_to_date())
        # And the other's in turn, over what stood there of it before.
        self.write("reports/.earlier/other/models/one.clean/old.json", "old")
        self.settle("other")
        self.assertEqual(self.standing()["results/corpus.a.json"], b"made under other")
        self.assertTrue(self.trained("other").is_up_to_date())

    def test_a_kill_between_any_two_steps_loses_nothing(self) -> None:
        steps = 0
        for profile in ("other", "smoke"):
            for killed_at in range(99):
                self.settle("smoke" if profile == "other" else "other")
                left = [killed_at]

                def move(file: Path, target: Path, really=freshness.move) -> None:
                    if not left[0]:
                        raise KeyboardInterrupt
                    left[0] -= 1
                    really(file, target)

                try:
                    with mock.patch.object(freshness, "move", move):
                        self.settle(profile)
                except KeyboardInterrupt:
                    steps += 1
                else:
                    break
                # Whatever stands has a record that says whose it is.
                self.assertTrue(set(self.standing()) <= set(self.smoke))
                for name in (r.stem for r in self.root.glob("reports/0*.html")):
                    self.assertTrue((self.root / f"reports/.runs/{name}.json").exists(), name)
                self.settle("other")
                self.assertEqual(self.standing(), {})
                self.settle("smoke")
                self.assertEqual(self.standing(), self.smoke)
        self.assertGreater(steps, 15)

    def test_one_notebook_alone_takes_only_its_own_files_away(self) -> None:
        self.settle("other", "01_corpus")
        self.corpus("other")
        self.assertEqual(self.standing()["models/one.clean/config.json"], b"made under smoke")
        self.assertEqual(freshness.made_under("other"), {
            str(self.root / name) for name in ("data/processed/splits/train.csv", "results/corpus.a.json")})
        self.settle("smoke")
        self.assertEqual(self.standing(), self.smoke)

    def test_what_another_profile_made_is_no_input(self) -> None:
        self.trained("smoke").check_profile_of_inputs()
        words = ("04_train.ipynb reads data/processed/splits/.*, which 01_corpus made under profile "
                 "smoke, and this is profile other: .*make reproduce.*TTP_OUT=another folder$")
        with self.assertRaisesRegex(Problem, words):
            self.trained("other").check_profile_of_inputs()
        # A first run that broke off left files, too.
        (self.root / "reports/.runs/01_corpus.json").unlink()
        self.state().begin()
        with self.assertRaisesRegex(Problem, words):
            self.trained("other").check_profile_of_inputs()
        self.settle("other")
        self.trained("other").check_profile_of_inputs()

    def test_a_checkpoint_that_a_run_made_is_set_aside_with_its_models(self) -> None:
        self.path = self.write("notebooks/01_corpus.ipynb", notebook(
            "let x = 1;", outputs=["results/a.json"], may_write=["models/{checkpoint}"]))
        for checkpoint, there in (("further", True), ("one", False)):
            folder = self.root / "models" / checkpoint
            file = self.write(f"models/{checkpoint}/config.json", "made")
            self.assertEqual(folder in self.state(checkpoint).outputs, there)
            made = {"made": freshness.digests(self.state(checkpoint).outputs)}
            self.assertEqual(file in freshness.left_by(f"04_train.{checkpoint}", made, self.root), there)

    def test_two_notebooks_of_one_checkpoint_claim_their_own_models(self) -> None:
        self.write("models/further/config.json", "pretrained")
        tuned = self.write("models/further.clean/config.json", "fine-tuned").parent
        pretrained = {"made": {str(self.root / "models/further"): "digest"}}
        self.assertNotIn(tuned, freshness.left_by("05_pretrain.further", pretrained, self.root))
        self.assertIn(tuned, freshness.left_by("06_tune.further", {"made": {}}, self.root))
        freshness.move(self.root / "models/further/config.json", self.root / "aside/config.json")
        self.assertFalse((self.root / "models/further").exists())

    def test_models_of_a_checkpoint_whose_name_goes_on(self) -> None:
        self.write("models/one.large.clean/config.json", "of checkpoint one.large")
        self.settle("other", "04_train.one")
        self.assertFalse((self.root / "models/one.clean").exists())
        self.assertTrue((self.root / "models/one.large.clean/config.json").exists())
