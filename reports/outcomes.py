"""Rows that enter no average: counted, and named with their reason."""

import pandas as pd

from reports import rows as select
from reports.frames import groups, otherwise

_LONGEST_REASON = 200


def counts(frame: pd.DataFrame) -> list[dict]:
    """`kind`, `status` and the number of `cells`, sorted."""
    return [
        {"kind": kind, "status": status, "cells": len(own)}
        for (kind, status), own in groups(frame, ["kind", "status"])
    ]


def left_out(rows: pd.DataFrame) -> list[str]:
    """A sentence for each (line, status, reason) of the rows that are not ok; `rows` has a column `line`."""
    failed = otherwise(rows, "status", "ok")
    failed = failed.assign(reason=[_one_line(reason) for reason in failed["reason"]])
    return [
        f"{line}: {len(own)} {status} ({_where(own)})" + (f": {reason}" if reason else "")
        for (line, status, reason), own in groups(failed, ["line", "status", "reason"])
    ]


def absent(rows: pd.DataFrame) -> list[str]:
    """A sentence for each line and system that lack a seed which the same line has on another system."""
    sentences = []
    found = {line: own for (line,), own in groups(rows, ["line"])}
    for line in select.lines(rows):
        own = found.get(line)
        if own is None:
            sentences.append(f"{line}: no rows in the store")
            continue
        on = {system: select.seeds(part) for (system,), part in groups(own, ["system"])}
        for system in select.systems(rows):
            lacking = sorted(set(select.seeds(own)) - set(on.get(system, ())))
            if lacking:
                sentences.append(f"{line}: not in the store ({system} {_seeds(lacking)})")
    return sentences


def code_versions(rows: pd.DataFrame) -> list[str]:
    """A sentence for each line and system whose averages mix rows of different code."""
    return [
        f"{line}: rows of {len(versions)} versions of the code are averaged ({system}: {', '.join(sorted(versions))})"
        for (line, system), own in groups(rows, ["line", "system"])  # a fingerprint covers the system's file too
        if len(versions := set(own["fingerprint"].dropna())) > 1
    ]


def _where(rows: pd.DataFrame) -> str:
    return "; ".join(f"{system} {_seeds(select.seeds(own))}" for (system,), own in groups(rows, ["system"]))


def _seeds(seeds: list[int]) -> str:
    return ("seed " if len(seeds) == 1 else "seeds ") + ", ".join(str(seed) for seed in seeds)


def _one_line(reason: object) -> str:
    text = " ".join(reason.split()) if isinstance(reason, str) else ""
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"
