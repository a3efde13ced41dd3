"""Rows that enter no average: counted, and named with their reason."""

import pandas as pd

from reports import rows as select
from reports.frames import arrays, groups, is_null, narrow, otherwise

_LONGEST_REASON = 200


def counts(frame: pd.DataFrame) -> list[dict]:
    """`kind`, `status` and the number of `cells`, sorted."""
    return [
        {"kind": kind, "status": status, "cells": len(own)}
        for (kind, status), own in groups(frame, ["kind", "status"])
    ]


def left_out(rows: pd.DataFrame) -> list[str]:
    """A sentence for each (line, status, reason) of the rows that are not ok; `rows` has a column `line`."""
    failed = otherwise(narrow(rows, ["line", "status", "reason", "system", "seed"]), "status", "ok")
    failed = failed.assign(reason=[_one_line(reason) for reason in failed["reason"]])
    return [
        f"{line}: {len(own)} {status} ({_where(own)})" + (f": {reason}" if reason else "")
        for (line, status, reason), own in groups(failed, ["line", "status", "reason"])
    ]


def absent(rows: pd.DataFrame) -> list[str]:
    """A sentence for each line and system that lack a seed which the same line has on another system."""
    sentences = []
    found: dict[str, dict[str, set[int]]] = {}
    for (line, system), own in arrays(rows, ["line", "system"], ["seed"]).items():
        found.setdefault(line, {})[system] = set(own["seed"].tolist())
    systems = select.systems(rows)
    for line in select.lines(rows):
        if line not in found:
            sentences.append(f"{line}: no rows in the store")
            continue
        seeds = set().union(*found[line].values())
        for system in systems:
            if lacking := sorted(seeds - found[line].get(system, set())):
                sentences.append(f"{line}: not in the store ({system} {_seeds(lacking)})")
    return sentences


def code_versions(rows: pd.DataFrame) -> list[str]:
    """A sentence for each line and system whose averages mix rows of different code."""
    return [
        f"{line}: rows of {len(versions)} versions of the code are averaged ({system}: {', '.join(sorted(versions))})"
        # a fingerprint covers the system's file too
        for (line, system), own in sorted(arrays(rows, ["line", "system"], ["fingerprint"]).items())
        if len(versions := {version for version in own["fingerprint"] if not is_null(version)}) > 1
    ]


def older(dropped: int) -> list[str]:
    """A sentence about what `rows.newest_of_each_cell` dropped; none if it dropped nothing."""
    if not dropped:
        return []
    return [
        f"{dropped} older row(s) left out: of other contents of the protocol or recipe they name than its newest row."
    ]


def _where(rows: pd.DataFrame) -> str:
    return "; ".join(f"{system} {_seeds(select.seeds(own))}" for (system,), own in groups(rows, ["system"]))


def _seeds(seeds: list[int]) -> str:
    return ("seed " if len(seeds) == 1 else "seeds ") + ", ".join(str(seed) for seed in seeds)


def _one_line(reason: object) -> str:
    text = " ".join(reason.split()) if isinstance(reason, str) else ""
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"
