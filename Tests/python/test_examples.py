"""What the demonstration stands on: the simulated table, the comparisons, the arithmetic of its ledger. Standard
library only."""
import contextlib, io, os, sys, tempfile, unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "python"))

import compare  # noqa: E402
import hospital  # noqa: E402


class Hospital(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.table = compare.read_rows(hospital.write(cls.folder.name, rows=3000)[0])

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_same_seed_same_rows_and_a_prefix_of_more(self):
        with tempfile.TemporaryDirectory() as other:
            again = compare.read_rows(hospital.write(other, rows=200)[0])
        for name, cells in again.items():
            self.assertEqual(cells, self.table[name][:200], name)

    def test_every_cell_obeys_the_schema(self):
        for field in hospital.schema()["fields"]:
            rule, cells = field["constraints"], self.table[field["name"]]
            present = [c for c in cells if c != ""]
            if rule["required"]:
                self.assertEqual(len(present), len(cells), field["name"])
            if "enum" in rule:
                self.assertLessEqual(set(present), set(rule["enum"]))
            elif field["type"] == "boolean":
                self.assertLessEqual(set(present), {"true", "false"})
            else:
                low, high = (compare.number(field, str(rule[k])) for k in ("minimum", "maximum"))
                x = [compare.number(field, c) for c in present]
                self.assertTrue(all(low <= v <= high for v in x), field["name"])
                step = rule.get("multipleOf", 1 if field["type"] == "integer" else None)
                if step:
                    self.assertTrue(all(abs(v / step - round(v / step)) < 1e-6 for v in x), field["name"])

    def test_missing_shares_are_as_documented(self):
        for name, share in (("creatinine", .09), ("bmi", .06), ("smoker", .15), ("last_visit", .27)):
            cells = self.table[name]
            self.assertAlmostEqual(cells.count("") / len(cells), share, delta=.03, msg=name)

    def test_the_planted_bias_shows_at_equal_strata(self):
        ratio = compare.standardised_ratio(self.table, "follow_up", "true", "ethnicity", hospital.BIAS_GROUPS,
                                           by=("triage", "ward"))
        self.assertAlmostEqual(ratio, 1 - hospital.BIAS_DROPPED, delta=.1)


class Compare(unittest.TestCase):
    def test_total_variation(self):
        self.assertEqual(compare.tvd("aabb", "aabb"), 0)
        self.assertEqual(compare.tvd("aaaa", "bb"), 1)
        self.assertAlmostEqual(compare.tvd("aab", "abb"), 1 / 3)

    def test_pairs_see_what_single_columns_do_not(self):
        a, b = {"x": "0011", "y": "0011"}, {"x": "0011", "y": "1100"}
        self.assertEqual(compare.tvd(a["x"], b["x"]), 0)
        self.assertEqual(compare.pairs_tvd(a, b, "x", "y"), 1)

    def test_bins_keep_missing_apart(self):
        bins = compare.Binning({"type": "integer", "constraints": {}}, [str(k) for k in range(100)])
        self.assertIsNone(bins(""))
        self.assertEqual(bins("0"), 0)
        self.assertLess(bins("10"), bins("90"))

    def test_ratio_is_one_without_a_difference(self):
        t = {"y": ["t", "f"] * 8, "g": ["a"] * 8 + ["b"] * 8, "s": (["u"] * 4 + ["v"] * 4) * 2}
        self.assertEqual(compare.standardised_ratio(t, "y", "t", "g", ("a",), by=("s",)), 1)


class Arithmetic(unittest.TestCase):
    """The demonstration recomputes ε with formulas of its own."""

    def test_against_the_closed_form_and_its_neighbours(self):
        try:
            import demo
        except SystemExit:
            self.skipTest("the flip package is not on the path")
        self.assertAlmostEqual(demo.rdp(1, 2, 8), 1.0)                          # α / 2σ²
        self.assertEqual(demo.rdp(0, 2, 8), 0)
        self.assertAlmostEqual(demo.rdp(1 - 1e-12, 2, 8), demo.rdp(1, 2, 8), places=8)
        self.assertLess(demo.rdp(.1, 2, 8), demo.rdp(.2, 2, 8))
        self.assertEqual(demo.epsilon(0, 2, .9), 0)

    def test_the_bill_says_what_the_promise_is_about(self):
        try:
            import demo
        except SystemExit:
            self.skipTest("the flip package is not on the path")
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            demo.show_ledger({"order": 8, "delta": 1e-5, "epsilon": 1.0, "assumptions": [], "releases": [
                {"name": "histograms", "count": 1, "groups": {"all": {"sampling_rate": 1, "noise_multiplier": 5}}}]})
        with contextlib.redirect_stdout(io.StringIO()) as choice:
            demo.show_ledger({
                "order": 8, "delta": 1e-5, "epsilon": 1.0, "assumptions": [], "groups": {"all": 1.0},
                "releases": [{"name": "pairs", "count": 1, "rho": .02}]
            })
        self.assertEqual(choice.getvalue().replace("pairs     ", "histograms"), said.getvalue(),
                         "rho .02 is the price of noise 5")
        self.assertIn("A row is not a person: somebody with k rows has the guarantee of k rows", said.getvalue())
        self.assertIn("hanging a row is removing it and adding another: 2ε is promised", said.getvalue())


if __name__ == "__main__":
    unittest.main()
