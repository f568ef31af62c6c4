"""The `main.py` of the box with the probe around its Modbus slave; everything else is as it is shipped."""

# mypy: disable-error-code="attr-defined, method-assign"

import gc

gc.threshold(16384)

import probe  # type: ignore[import-not-found]  # noqa: E402

from firmware import app  # noqa: E402
from firmware.publish.modbus import ModbusSlave  # noqa: E402

ModbusSlave.step = probe.watch(ModbusSlave.step)
probe.tell()
app.run()
