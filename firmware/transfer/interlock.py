"""The last gate before the coils: grid and backup side are never joined. Pure, and unknown means open.

This is the second barrier. The first is the mechanical and electrical interlock of the contactors.
"""

from firmware.signals import ALL_COILS, K_GRID, Q_ALL


def permitted(
    request: int,
    permits: int,
    coils: int,
    not_open: int | None,
    grid_open_ms: int,
    backup_open_ms: int,
    dead_time_ms: int,
) -> int:
    """Return the coils that may be energised, a subset of `request`.

    request         coils that the transfer machine wants
    permits         coils that may be on at all (phase permitted, grid not bad, not locked, not switched off)
    coils           coils that are energised now
    not_open        contactors whose feedback does not confirm that they are open; None: not read, all of them
    grid_open_ms    how long K_GRID has been without current in its coil and confirmed open
    backup_open_ms  the same for all Qs together
    dead_time_ms    how long the one side must have been open before the other closes

    A coil that is energised and would not be permitted to close is not permitted to stay either.
    """
    if not_open is None:
        not_open = ALL_COILS
    wanted = request & permits & ALL_COILS
    if wanted & K_GRID and wanted & Q_ALL:
        return 0  # a contradiction from above: trust neither half of it
    if wanted & K_GRID and ((coils | not_open) & Q_ALL or backup_open_ms < dead_time_ms):
        return 0
    if wanted & Q_ALL and ((coils | not_open) & K_GRID or grid_open_ms < dead_time_ms):
        return 0
    return wanted
