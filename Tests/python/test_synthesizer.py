"""The scikit-learn manner: parameters, fit, sample, clone."""
import pickle

import flip
import numpy
import pandas
import polars
import pyarrow
import pytest
from conftest import SCHEMA, SMALL, make_frame
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

OPTIONS = {"epsilon": 4.0, "delta": 1e-5, "protected": ["sex"], "schema": SCHEMA, "config": SMALL, "progress": False}


@pytest.fixture(scope="module")
def fitted(frame):
    return flip.Synthesizer(**OPTIONS).fit(frame)


def test_fit_and_sample(fitted, frame):
    rows = fitted.sample(50, seed=3)
    assert isinstance(rows, pandas.DataFrame) and len(rows) == 50 and list(rows.columns) == list(frame.columns)
    pandas.testing.assert_frame_equal(rows, fitted.sample(50, seed=3))
    pandas.testing.assert_frame_equal(rows, fitted.model_.sample(50, seed=3).to_pandas())
    assert set(fitted.sample(20, seed=1, where={"sex": "Female"})["sex"]) == {"Female"}
    assert fitted.ledger_["epsilon"] == 4.0 and fitted.ledger_ == fitted.model_.ledger
    assert fitted.feature_names_in_ == list(
        frame.columns) and fitted.n_features_in_ == 10 and fitted.schema_ == flip.Schema(SCHEMA)
    again = pickle.loads(pickle.dumps(fitted))
    pandas.testing.assert_frame_equal(rows, again.sample(50, seed=3))


def test_what_goes_in_comes_out(frame, table, csv):
    small = frame.iloc[:200]
    made = {
        "polars": polars.from_pandas(small), "arrow": pyarrow.Table.from_pandas(small, preserve_index=False),
        "table": table, "file": csv[0]
    }
    kinds = {name: type(flip.Synthesizer(**OPTIONS).fit_sample(rows, 5)) for name, rows in made.items()}
    assert kinds == {"polars": polars.DataFrame, "arrow": flip.Table, "table": flip.Table, "file": flip.Table}


def test_parameters(fitted):
    new = flip.Synthesizer(**OPTIONS)
    assert new.get_params() == {**OPTIONS, "domain": None, "preset": None, "checkpoint": None, "resume": False,
                                "group": None}
    assert new.get_params(deep=False)["config"] is SMALL and new.get_params()["schema"] is SCHEMA
    assert new.set_params(epsilon=1.0, preset="best") is new and new.epsilon == 1.0 and new.preset == "best"
    with pytest.raises(ValueError, match="epsylon"):
        new.set_params(epsylon=1)
    assert repr(flip.Synthesizer(epsilon=2.0, protected=["sex"])) == "Synthesizer(epsilon=2.0, protected=['sex'])"
    with pytest.raises(TypeError):
        flip.Synthesizer()                      # a budget has no default
    copy = clone(fitted)
    assert copy is not fitted and copy.get_params() == fitted.get_params() and not hasattr(copy, "model_")


def test_not_fitted():
    new = flip.Synthesizer(**OPTIONS)
    with pytest.raises(flip.StateError, match="fit"):
        new.sample(5)
    with pytest.raises(Exception, match="not fitted"):
        check_is_fitted(new)


def test_fitted_to_scikit_learn(fitted):
    check_is_fitted(fitted)


def test_a_plan_before_any_row():
    assert flip.Synthesizer(**OPTIONS).plan().epsilon == 4.0
    with pytest.raises(flip.ArgumentError, match="schema"):
        flip.Synthesizer(epsilon=1.0).plan()


def test_a_schema_is_never_read_off_rows_silently(frame):
    with pytest.raises(flip.ArgumentError, match="assume-public"):
        flip.Synthesizer(epsilon=4.0).fit(frame)
    with pytest.raises(flip.ArgumentError, match="domain"):
        flip.Synthesizer(epsilon=4.0, domain="public").fit(frame)
    with pytest.raises(flip.ArgumentError, match="domain"):
        flip.Synthesizer(epsilon=4.0, domain="assume-public", schema=SCHEMA).fit(frame)
    if not hasattr(flip.Schema, "infer"):
        pytest.skip("reading a schema off rows is not in this build")
    small = frame[["age", "sex", "weight"]]
    options = {
        "epsilon": 4.0, "delta": 1e-5, "protected": ["sex"], "config": SMALL, "progress": False,
        "domain": "assume-public"
    }
    for rows in (small, polars.from_pandas(small), pyarrow.Table.from_pandas(small, preserve_index=False)):
        fitted = flip.Synthesizer(**options).fit(rows)
        assert fitted.schema_.assumed
        assert any("assume" in text for text in fitted.ledger_["assumptions"]), fitted.ledger_["assumptions"]
        assert len(fitted.sample(7)) == 7
