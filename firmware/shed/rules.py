"""What makes a set of load-management settings acceptable. Pure."""

PRIORITIES = ("priority_l1", "priority_l2", "priority_l3")
SOC_MINIMA = ("soc_min_l1", "soc_min_l2", "soc_min_l3")


def check_load_management(settings: dict) -> str:
    """Return why the load-management settings are refused, or an empty string.

    Enabled, every phase needs a priority and a limit, each priority is given once (phases of the same
    priority are what the function must not be enabled for), and the limits rise strictly as the
    priority falls.
    """
    if not settings["load_management_enable"]:
        return ""
    for key in PRIORITIES + SOC_MINIMA:
        if not settings[key]:
            return "%s has not been entered; all values are needed to enable load management" % key
    limits: dict = {}
    for priority_key, soc_key in zip(PRIORITIES, SOC_MINIMA):
        priority = settings[priority_key]
        if priority in limits:
            return "priority %d is given twice; phases of equal priority need no load management" % priority
        limits[priority] = settings[soc_key]
    for priority in (1, 2):
        if not limits[priority] < limits[priority + 1]:
            return "limit of priority %d (%d %%) must be below that of priority %d (%d %%)" % (
                priority,
                limits[priority],
                priority + 1,
                limits[priority + 1],
            )
    return ""
