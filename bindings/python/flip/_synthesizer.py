"""Synthesizer: plan, training and sampling in the manner of scikit-learn, without needing it.

A layer over Schema, plan, train and Model.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional, Union

from ._errors import ArgumentError, StateError
from ._evaluate import as_table
from ._frames import package_of
from ._library import Path
from ._model import Model
from ._plan import Plan, plan as make_plan
from ._progress import Report
from ._schema import Schema, SchemaLike
from ._table import Table
from ._train import train
from ._types import Ledger


class Synthesizer:
    """Learns a table under a budget and makes rows like it.

        synthesizer = flip.Synthesizer(epsilon=2.0, protected=["sex"], schema="rows.schema.json")
        rows = synthesizer.fit(frame).sample(1000, seed=1)

    Parameters, kept as they were given (get_params, set_params and sklearn.base.clone work):

    epsilon, delta: the promise for one row added or removed. delta must lie below 1/n; what is above is refused, by the
    noisy count at the latest.
    protected: names of the protected columns. preset, config: as in flip.plan().
    schema: a Schema, a dict or the path of one: what the columns may hold, which is public. Without it,
    domain="assume-public" reads one off the rows that `fit` is given. Its levels and bounds are then public by your
    word; the ledger says so.
    progress, checkpoint, resume: as in flip.train(). group: where the dataframe is in an HDF5 file, "/data" unless
    given.

    After fit: model_ (flip.Model), schema_, ledger_, n_features_in_, feature_names_in_.
    """

    def __init__(self, *, epsilon: float, delta: float = 1e-6, protected: Union[str, Iterable[str], None] = None,
                 schema: Optional[SchemaLike] = None, domain: Optional[str] = None, preset: Optional[str] = None,
                 config: Optional[Mapping[str, Any]] = None, progress: Report = None, checkpoint: Optional[Path] = None,
                 resume: bool = False, group: Optional[str] = None) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self.protected = protected
        self.schema = schema
        self.domain = domain
        self.preset = preset
        self.config = config
        self.progress = progress
        self.checkpoint = checkpoint
        self.resume = resume
        self.group = group

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name. `deep` changes nothing: none of them is an estimator."""
        return {name: getattr(self, name) for name in _names()}

    def set_params(self, **params: Any) -> Synthesizer:
        """Sets parameters by name; returns itself. ArgumentError for an unknown one."""
        for name, value in params.items():
            if name not in _names():
                raise ArgumentError(f"{name}: no parameter of Synthesizer; they are {', '.join(_names())}")
            setattr(self, name, value)
        return self

    def plan(self, schema: Optional[SchemaLike] = None) -> Plan:
        """What a fit under `schema` (the parameter, unless given) would release, priced without a row: a flip.Plan."""
        found = self.schema if schema is None else schema
        if found is None:
            raise ArgumentError("a plan needs schema=")
        return make_plan(found, protected=self.protected, epsilon=self.epsilon, delta=self.delta, preset=self.preset,
                         config=self.config)

    def fit(self, X: Any, y: Any = None) -> Synthesizer:
        """Trains on the rows of X: a pandas or polars frame, anything with __arrow_c_stream__, a flip.Table or the path
        of a CSV or HDF5 file.

        Every fit is a training of its own: two on the same rows cost both their ledgers. `y` is not looked at.
        """
        table = as_table(X, self._schema_for(X), self.group)
        model = train(table, self.plan(table.schema), progress=self.progress, checkpoint=self.checkpoint,
                      resume=self.resume)
        self.model_ = model
        self.schema_ = table.schema
        self.feature_names_in_ = self.schema_.names
        self.n_features_in_ = len(self.feature_names_in_)
        self._kind = package_of(X)
        return self

    def _schema_for(self, X: Any) -> Optional[Schema]:
        if self.domain not in (None, "assume-public"):
            raise ArgumentError('domain: must be None or "assume-public"')
        if self.schema is not None:
            if self.domain is not None:
                raise ArgumentError("domain: leave it out where a schema is given")
            return Schema.of(self.schema)
        if isinstance(X, Table):
            return None
        if self.domain is None:
            raise ArgumentError(
                'schema: give what the columns may hold (flip.Schema), or domain="assume-public" to read it off these '
                "rows, whose levels and bounds are then public by your word")
        return Schema.infer(X, group=self.group)

    def sample(self, n: int, seed: Optional[int] = None, where: Optional[Mapping[str, Any]] = None) -> Any:
        """`n` rows, as a frame of the package that `fit` was given one of (pandas, polars), else as a flip.Table. Free
        of charge.

        seed, where: as in flip.Model.sample. StateError before `fit`.
        """
        if not self.__sklearn_is_fitted__():
            raise StateError("this Synthesizer is not fitted: call fit first")
        table = self.model_.sample(n, seed=seed, where=where)
        if self._kind == "pandas":
            return table.to_pandas()
        if self._kind == "polars":
            import polars
            return polars.DataFrame(table)
        return table

    def fit_sample(self, X: Any, n: int, seed: Optional[int] = None) -> Any:
        """fit, then sample."""
        return self.fit(X).sample(n, seed=seed)

    @property
    def ledger_(self) -> Ledger:
        """The ledger of the fit, as flip.Model.ledger gives it."""
        return self.model_.ledger

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import Tags, TargetTags      # asked for by scikit-learn alone
        return Tags(estimator_type=None, target_tags=TargetTags(required=False))

    def __repr__(self) -> str:
        defaults = Synthesizer.__init__.__kwdefaults__ or {}
        given = [
            f"{name}={value!r}" for name, value in self.get_params().items()
            if name not in defaults or value is not defaults[name]
        ]
        return f"Synthesizer({', '.join(given)})"


def _names() -> list[str]:
    # All parameters are keywords. The module inspect would take longer to import than all of this package.
    code = Synthesizer.__init__.__code__
    return list(code.co_varnames[code.co_argcount:code.co_argcount + code.co_kwonlyargcount])
