"""Plain comparisons of two tables, for the demonstration. Standard library only; a table is {column: list of text
cells}.

Everything here reads rows as they are. On real rows the results are NOT PRIVATE.
"""
import bisect, csv, datetime
from collections import Counter


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as f:
        reader = csv.reader(f)
        names = next(reader)
        return dict(zip(names, map(list, zip(*reader))))


def number(field, cell):
    """A cell of a numerical, date or datetime column as a float (days, seconds since 1970)."""
    if field["type"] == "date":
        return float(datetime.date.fromisoformat(cell).toordinal())
    if field["type"] == "datetime":
        t = datetime.datetime.fromisoformat(cell.replace("Z", "+00:00"))
        return t.replace(tzinfo=t.tzinfo or datetime.timezone.utc).timestamp()
    return float(cell)


class Binning:
    """Maps a cell to a comparable label: numbers to one of at most `bins` quantile bins of the given cells, the rest to
    itself; missing is None."""

    def __init__(self, field, cells, bins=20):
        self.field, self.edges = field, None
        if field["type"] in ("integer", "number", "date", "datetime") and "enum" not in field.get("constraints", {}):
            x = sorted(number(field, c) for c in cells if c != "")
            self.edges = sorted({x[len(x) * k // bins] for k in range(1, bins)}) if x else []

    def __call__(self, cell):
        if cell == "":
            return None
        return cell if self.edges is None else bisect.bisect_right(self.edges, number(self.field, cell))


def tvd(a, b):
    """Half the sum of absolute differences of two columns' shares."""
    p, q = Counter(a), Counter(b)
    return .5 * sum(abs(p[k] / len(a) - q[k] / len(b)) for k in p.keys() | q.keys())


def pairs_tvd(a, b, x, y):
    return tvd(list(zip(a[x], a[y])), list(zip(b[x], b[y])))


def standardised_ratio(table, outcome, yes, column, groups, by):
    """Share of `yes` in `groups` over the share they would have at the others' rates within the same strata of `by`
    (indirect standardisation).

    1 is no difference at equal strata. Strata that hold nobody of the others are left out on both sides."""
    strata = list(zip(*(table[n] for n in by)))
    count, hits = Counter(), Counter()
    inside = [g in groups for g in table[column]]
    for s, mine, cell in zip(strata, inside, table[outcome]):
        count[s, mine] += 1
        hits[s, mine] += cell == yes
    seen = expected = 0.0
    for (s, mine), n in list(count.items()):
        if mine and count[s, False]:
            seen += hits[s, True]
            expected += n * hits[s, False] / count[s, False]
    return seen / expected if expected else float("nan")
