"""What only makes the box: let go once it is there. Loaded by the running firmware (app.py) and not kept.

Nothing of this may be needed by a running box, one that crashes and one that shows its last words:
host_tests/host/test_start_only.py goes through all calls that are left. When in doubt it is kept.
"""

# mypy: disable-error-code="assignment, method-assign, misc"

from firmware import app, box, collector, keeping, upkeep
from firmware.acquire import calibration, layout
from firmware.hardware.heap import forget, forget_making
from firmware.measure import energy, frequency, levels, memory, meter, phasor, readings, window
from firmware.publish import access, crc, events, modbus, pages, profiles, registers, service
from firmware.shed import policy
from firmware.store import kept, records, settings
from firmware.supervise import battery, buses, converters, faults, front_end, grid, health, watch
from firmware.transfer import backup_side, contactor, gate, machine


def forget_start() -> None:
    """Let go of it. A name that is used all the same stands for None then, and the call is an error."""
    forget_making(
        (
            access.Access,
            backup_side.BackupSide,
            battery.Battery,
            box.Box,
            buses.Buses,
            calibration.Calibration,
            collector.Collector,
            contactor.Contactor,
            converters.Converters,
            energy.Energy,
            energy.Register,
            events.EventLog,
            faults.Faults,
            frequency.Frequency,
            front_end.FrontEnd,
            gate.Gate,
            grid.GridSupervisor,
            health.Health,
            keeping.Keeping,
            kept.Kept,
            layout.Ring,
            levels.Levels,
            machine.Inputs,
            machine.Machine,
            memory.Memory,
            meter.Meter,
            modbus.ModbusSlave,
            pages.Pages,
            phasor.Phasors,
            policy.Policy,
            profiles.Profiles,
            readings.Readings,
            records.Record,
            registers.Registers,
            service.Service,
            settings.Staging,
            upkeep.Upkeep,
            watch.Watch,
            window.Windows,
        )
    )
    app._build = app.find_board = None
    calibration.Calibration.load = calibration.Calibration.set = None
    crc._eight_steps = None
    keeping.Keeping.load_settings = keeping.Keeping.load_calibration = keeping.Keeping.load_energy = None
    keeping.CalibrationError = keeping.defaults = kept.defaults = settings.defaults = None
    kept.Kept.load_settings = kept.Kept.load_calibration = kept.Kept.load_energy = None
    layout._at_rest = None
    memory.Memory.set_ring = None
    meter._pair_factors = None
    records.Record.load = None
    registers.Registers._write_identity = None
    settings._spec_row = None
    forget(("firmware.acquire.calibration", "firmware.start_only"))  # they have no more functions
