"""The rules of the interlock in other words than the code's, and the search for a call that breaks them."""

K_GRID = 1
QS = (2, 4, 8)
Q_ALL = 14
# (grid_open_ms, backup_open_ms, dead_time_ms): either side just short of the dead time, at it, beyond it.
TIMES = (
    (0, 0, 50),
    (49, 49, 50),
    (49, 50, 50),
    (50, 49, 50),
    (50, 50, 50),
    (51, 60, 50),
    (0, 0, 0),
)


def expected(request, permits, coils, not_open, grid_open_ms, backup_open_ms, dead_time_ms):
    """Return the coils that the rules grant, judged coil by coil on what is known of the other side."""

    def sure_open(coil):
        return not_open is not None and not coil & not_open and not coil & coils

    wanted = [coil for coil in (K_GRID,) + QS if coil & request and coil & permits]
    if K_GRID in wanted and len(wanted) > 1:
        return 0
    granted = 0
    for coil in wanted:
        others, since_ms = (QS, backup_open_ms) if coil == K_GRID else ((K_GRID,), grid_open_ms)
        if all(sure_open(other) for other in others) and since_ms >= dead_time_ms:
            granted += coil
    return granted


def broken_rule(result, request, permits, coils, not_open, grid_open_ms, backup_open_ms, dead_time_ms):
    """Return which safety rule a result breaks, or an empty string. Says nothing of what is refused."""
    closed = 15 if not_open is None else coils | not_open
    if result & ~request or result & ~permits or result & ~15:
        return "granted what was not asked for or not permitted"
    if result & K_GRID and result & Q_ALL:
        return "both sides together"
    if result & K_GRID and closed & Q_ALL:
        return "K_GRID onto a Q that is energised or not confirmed open"
    if result & Q_ALL and closed & K_GRID:
        return "a Q onto K_GRID that is energised or not confirmed open"
    if result & K_GRID and backup_open_ms < dead_time_ms:
        return "K_GRID within the dead time"
    if result & Q_ALL and grid_open_ms < dead_time_ms:
        return "a Q within the dead time"
    return ""


def first_violation(permitted):
    """Try every combination of masks at every boundary of the times; return what is wrong, or ''."""
    for not_open in (None,) + tuple(range(16)):
        for coils in range(16):
            for times in TIMES:
                for request in range(16):
                    for permits in range(16):
                        result = permitted(request, permits, coils, not_open, *times)
                        if result == 0 and not request & permits:
                            continue
                        case = (request, permits, coils, not_open) + times
                        broken = broken_rule(result, *case)
                        if broken:
                            return "%s: %s gives %s" % (broken, case, result)
                        if result != expected(*case):
                            return "granted too little: %s gives %s" % (case, result)
    for extra in (16, 32, 0x40000000):  # no such coil, though both sides ask for it
        case = (extra, extra, 0, 0, 99, 99, 50)
        if permitted(*case) != 0 or permitted(extra | 2, extra | 2, 0, 0, 99, 99, 50) != 2:
            return "a coil that does not exist: %s" % (case,)
    return ""
