"""`kubeinfer-sim results campaign.db`."""

from __future__ import annotations

import sys

from kubeinfer_sim.cli.command import (
    file_argument,
    filename_option,
    form_option,
    json_option,
    option,
    subcommand,
)
from kubeinfer_sim.cli.output import note, output_of, width_of


@subcommand("results", short_help="List, summarise and export the runs that a store holds.")
@file_argument("store")
@filename_option
@option("--sql", metavar="QUERY", help="Answer a question in SQL: SELECT avg(duration) FROM runs WHERE held.")
@option("--parquet", metavar="FILE", help="Write a row for each run to a new file (needs pyarrow).")
@json_option("the rows")
@form_option("text", "csv", "json")
def command(store: str, sql: str | None, parquet: str | None, json_to: str | None, form: str | None) -> int:
    """Say what is in STORE, a file that `run`, `rollout` or `compare` have written with --store.

    In text what each variant comes to, with intervals; csv and json have a row for each run, with every number of it,
    or of the answer to --sql.
    """
    from kubeinfer_sim.experiment.stored import Stored
    from kubeinfer_sim.report.stored import grid_lines, rows_csv, rows_json, stored_text, write_parquet

    output = output_of(form, {"json": json_to})
    with Stored(store) as stored:
        if parquet is not None:
            write_parquet(parquet, *stored.rows())
            output.to_file(lambda: rows_json(*stored.rows()))
            note(f"written to {parquet}")
            return 0
        if sql is not None:
            head, rows = stored.ask(sql)
            output.write(
                text=lambda: "\n".join(grid_lines(head, rows)) + "\n",
                csv=lambda: rows_csv(head, rows),
                json=lambda: rows_json(head, rows),
            )
            return 0
        output.write(
            text=lambda: stored_text(stored, width_of(sys.stdout)),
            csv=lambda: rows_csv(*stored.rows()),
            json=lambda: rows_json(*stored.rows()),
        )
    return 0
