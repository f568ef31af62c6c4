"""What other people read meters with, against the running box over its serial port.

Each reads the same few values that the box's own registers hold, by its own idea of an SDM630 or of SunSpec.
"""

import json
import struct
import warnings

import minimalmodbus
import modbus_tk.defines
import pytest
import serial
from modbus_tk.modbus_rtu import RtuMaster
from pymodbus.client import ModbusSerialClient
from pymodbus.pdu.diag_message import ReturnBusMessageCountRequest

from host_tests.host import sdm_environment
from host_tests.host.running_box import REGISTERS, started, wait_for
from host_tests.unit.test_sdm630_map import MEASURED, UNMEASURED

SDM_GRID, SDM_PV, SUNSPEC_GRID, SUNSPEC_PV = 11, 12, 21, 22
PROFILES = {
    "sdm_grid_address": SDM_GRID,
    "sdm_pv_address": SDM_PV,
    "sunspec_grid_address": SUNSPEC_GRID,
    "sunspec_pv_address": SUNSPEC_PV,
}
# A house that feeds in: 1.5 kW of load, 6 kW of sun, evenly on all phases.
SUNNY = "[[step]]\nat_s = 0\nsoc_silent = true\nload_w = [500, 500, 500]\npv_w = [2000, 2000, 2000]\n"


def switch_on(box, **settings):
    for name, raw in settings.items():
        assert box.write(name, raw) == 0, name
    assert box.write("commit", 1) == 0


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """A box that has come to rest, with all profiles on; the tests are its only master."""
    with started(tmp_path_factory, SUNNY) as running:
        switch_on(running, **PROFILES)
        wait_for("the feed-in", lambda: abs(running.value("grid_active_power_total") + 4500) < 90)
        wait_for("some energy", lambda: running.value("grid_energy_export") > 0.002)
        yield running


@pytest.fixture
def line(box):
    """The serial port, free for another client; it comes back to pymodbus afterwards."""
    box.client.close()
    yield str(box.tty)
    assert box.client.connect()


@pytest.fixture
def native(box):
    """What the box's own registers say."""
    names = ["grid_voltage_l1", "grid_frequency", "grid_current_l2", "grid_active_power_total"]
    names += ["grid_energy_import", "grid_energy_export", "pv_active_power_total", "pv_energy"]
    return {name: box.value(name) for name in names}


def check(native, volts, ampere_l2, watts, hertz, export_kwh, import_kwh):
    """Compare with the registers of a moment ago; energy goes on, one window's power differs a little."""
    assert volts == pytest.approx(native["grid_voltage_l1"], abs=0.5)
    assert ampere_l2 == pytest.approx(native["grid_current_l2"], rel=0.01)
    assert watts == pytest.approx(native["grid_active_power_total"], rel=0.01) and watts < -4000
    assert hertz == pytest.approx(native["grid_frequency"], abs=0.02)
    assert native["grid_energy_export"] <= export_kwh + 1e-6 < native["grid_energy_export"] + 0.02
    assert import_kwh == pytest.approx(native["grid_energy_import"], abs=0.001)


# -- pymodbus ----------------------------------------------------------------------------------------


def sdm_float(client, address, unit):
    reply = client.read_input_registers(address, count=2, device_id=unit)
    assert not reply.isError(), reply
    return client.convert_from_registers(reply.registers, client.DATATYPE.FLOAT32)


def test_pymodbus_reads_an_sdm630(box, native):
    read = [sdm_float(box.client, at, SDM_GRID) for at in (0x00, 0x08, 0x34, 0x46, 0x4A, 0x48)]
    check(native, *read)
    assert sdm_float(box.client, 0x34, SDM_PV) == pytest.approx(6000, rel=0.03)
    assert sdm_float(box.client, 0x48, SDM_PV) == pytest.approx(box.value("pv_energy"), abs=0.02)


def test_pymodbus_masks_a_setting(box):
    """Function 22: bits of a word, others as they were."""
    address = REGISTERS["backup_phases"]["address"]
    reply = box.client.mask_write_register(address=address, and_mask=0xFFFD, or_mask=0, device_id=1)
    assert not reply.isError(), reply
    assert box.words("backup_phases") == [5]
    reply = box.client.mask_write_register(address=address, and_mask=0xFFFD, or_mask=2, device_id=1)
    assert not reply.isError() and box.words("backup_phases") == [7]
    assert box.write("commit", 1) == 0


def test_pymodbus_writes_and_reads_at_once(box):
    """Function 23: what is read comes after what is written."""
    address = REGISTERS["soc"]["address"]
    for soc in (31, 32):
        reply = box.client.readwrite_registers(
            read_address=address, read_count=3, write_address=address, values=[soc], device_id=1
        )
        assert not reply.isError() and reply.registers == [soc, 0, 1]
    refused = box.client.readwrite_registers(
        read_address=address, read_count=1, write_address=address, values=[101], device_id=1
    )
    assert refused.exception_code == 3 and box.words("soc") == [32]


def test_pymodbus_diagnoses(box):
    echo = box.client.diag_query_data(b"\x12\x34", device_id=1)  # it takes no longer answer than this
    assert not echo.isError() and echo.message == b"\x12\x34"
    assert not box.client.diag_clear_counters(device_id=1).isError()
    counts = [_bus_messages(box.client) for _ in range(3)]
    assert counts[1] - counts[0] == counts[2] - counts[1] == 1


def _bus_messages(client):
    reply = client.execute(False, ReturnBusMessageCountRequest(dev_id=1))
    assert not reply.isError(), reply
    return reply.message


def test_pymodbus_asks_who_it_is(box):
    server = box.client.report_device_id(device_id=1)
    assert not server.isError() and server.identifier.startswith(b"BackupBox_PLUS")
    for unit in (1, SDM_GRID, SUNSPEC_PV):
        reply = box.client.read_device_information(read_code=3, object_id=0, device_id=unit)
        assert not reply.isError(), reply
        assert reply.information[0] == b"Backup Box" and reply.information[1] == b"BackupBox_PLUS"
        assert reply.information[2] == box.value("firmware_version").encode()


# -- minimalmodbus, modbus_tk -------------------------------------------------------------------------


def test_minimalmodbus(native, line):
    sdm = minimalmodbus.Instrument(line, SDM_GRID, close_port_after_each_call=True)
    sdm.serial.baudrate, sdm.serial.timeout = 9600, 1.0
    read = [sdm.read_float(at, functioncode=4) for at in (0x00, 0x08, 0x34, 0x46, 0x4A, 0x48)]
    check(native, *read)
    box = minimalmodbus.Instrument(line, 1, close_port_after_each_call=True)
    box.serial.baudrate, box.serial.timeout = 9600, 1.0
    assert box.read_string(0, 8, functioncode=4).rstrip("\0") == "BackupBox_PLUS"
    watts = box.read_long(REGISTERS["grid_active_power_total"]["address"], functioncode=4, signed=True)
    assert watts * 0.1 == pytest.approx(native["grid_active_power_total"], rel=0.01)
    box.write_register(REGISTERS["soc"]["address"], 44, functioncode=6)
    assert box.read_register(REGISTERS["soc"]["address"]) == 44
    with pytest.raises(minimalmodbus.IllegalRequestError):
        box.write_register(REGISTERS["ct_ratio"]["address"], 2, functioncode=6)


def test_modbus_tk(native, line):
    with serial.Serial(line, 9600) as port:
        master = RtuMaster(port)
        master.set_timeout(1.0)

        def read(at, unit=SDM_GRID):
            return master.execute(unit, modbus_tk.defines.READ_INPUT_REGISTERS, at, 2, data_format=">f")[0]

        check(native, *[read(at) for at in (0x00, 0x08, 0x34, 0x46, 0x4A, 0x48)])
        soc = REGISTERS["soc"]["address"]
        master.execute(1, modbus_tk.defines.WRITE_SINGLE_REGISTER, soc, output_value=45)
        assert master.execute(1, modbus_tk.defines.READ_HOLDING_REGISTERS, soc, 1) == (45,)


# -- pysunspec2 --------------------------------------------------------------------------------------


def sunspec(line, unit):
    """Return a device that has been discovered, and its meter model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sunspec2.modbus.client as client

        device = client.SunSpecModbusClientDeviceRTU(
            slave_id=unit, name=line, baudrate=9600, parity="N", timeout=1.0
        )
        try:
            device.scan()
        finally:
            device.close()
    return device, device.models[213][0]


def test_pysunspec2(native, line):
    device, meter = sunspec(line, SUNSPEC_GRID)
    assert list(device.models) == [1, "common", 213, "ac_meter_abcn_float"]
    common = device.common[0]
    assert (common.Mn.value, common.Md.value) == ("Backup Box", "BackupBox_PLUS")
    assert common.DA.value == SUNSPEC_GRID
    check(
        native,
        meter.PhVphA.value,
        meter.AphB.value,
        meter.W.value,
        meter.Hz.value,
        meter.TotWhExp.value / 1000,
        meter.TotWhImp.value / 1000,
    )
    assert meter.TotVAhExp.value is None and meter.TotVArhExpQ4phC.value is None  # not measured


def test_pysunspec2_reads_the_pv_meter(native, line):
    device, meter = sunspec(line, SUNSPEC_PV)
    assert device.common[0].Opt.value == "PV meter"
    assert meter.W.value == pytest.approx(native["pv_active_power_total"], rel=0.01) and meter.W.value > 5000
    assert meter.TotWhExp.value == 0
    assert meter.TotWhImp.value / 1000 == pytest.approx(native["pv_energy"], abs=0.02)


# -- sdm_modbus --------------------------------------------------------------------------------------

SDM_READ = """
import json, sys, sdm_modbus
line, unit = sys.argv[1], int(sys.argv[2])
meter = sdm_modbus.SDM630(device=line, baud=9600, parity="N", stopbits=1, unit=unit, timeout=1)
values = meter.read_all()
meter.disconnect()
kind = sdm_modbus.registerType.INPUT
print(json.dumps([values, {key: row[0] for key, row in meter.registers.items() if row[2] is kind}]))
"""


@pytest.fixture(scope="module")
def sdm():
    """Make sdm_modbus's environment before anything is measured: the first time takes half a minute."""
    sdm_environment.python()


def test_sdm_modbus(sdm, native, line):
    values, addresses = json.loads(sdm_environment.run(SDM_READ, line, SDM_GRID))
    assert set(values) == set(addresses), "all of them are answered, in the blocks that it reads"
    check(
        native,
        values["l1_voltage"],
        values["l2_current"],
        values["total_power_active"],
        values["frequency"],
        values["export_energy_active"],
        values["import_energy_active"],
    )
    known = sorted([address for address, _quantity in MEASURED] + UNMEASURED)
    assert sorted(addresses.values()) == known, "the list of the unit tests is the library's"
    for name, address in addresses.items():
        if address in UNMEASURED:
            assert values[name] == 0.0, name


SDM_SETTINGS = """
import json, sys, sdm_modbus
line, unit = sys.argv[1], int(sys.argv[2])
meter = sdm_modbus.SDM630(device=line, baud=9600, parity="N", stopbits=1, unit=unit, timeout=1)
names = ("meter_id", "baud", "network_parity_stop", "system_type")
print(json.dumps([meter.read(name) for name in names] + [meter.read_all(sdm_modbus.registerType.HOLDING)]))
meter.disconnect()
"""


def test_sdm_modbus_reads_the_settings(box, line):
    """One by one, and in the one request that it makes of them; it knows more than there is here."""
    *single, together = json.loads(sdm_environment.run(SDM_SETTINGS, line, SDM_PV))
    assert single == [SDM_PV, 2, 0, 3]  # 9600 Bd, 8N1, three phases and neutral
    assert [together[key] for key in ("meter_id", "baud", "network_parity_stop", "system_type")] == single


def test_sdm_modbus_reads_the_pv_meter(native, line):
    values, _addresses = json.loads(sdm_environment.run(SDM_READ, line, SDM_PV))
    assert values["total_power_active"] == pytest.approx(native["pv_active_power_total"], rel=0.01)


# -- writes that change the line ---------------------------------------------------------------------


@pytest.fixture
def other(tmp_path_factory):
    """A box of its own: what is changed here would be in the way of the others."""
    with started(tmp_path_factory, SUNNY) as running:
        wait_for("a frequency", lambda: abs(running.value("grid_frequency") - 50) < 0.1)
        yield running


def _write_float(client, address, value, unit):
    words = list(struct.unpack(">HH", struct.pack(">f", value)))
    return client.write_registers(address, words, device_id=unit)


def _model(client, unit):
    reply = client.read_input_registers(0, count=8, device_id=unit)
    assert not reply.isError()
    return struct.pack(">8H", *reply.registers).rstrip(b"\0")


def test_address_baud_and_parity_can_be_set_the_sdm630s_way(other):
    switch_on(other, sdm_grid_address=SDM_GRID)
    client = other.client
    assert not _write_float(client, 0x14, 33, SDM_GRID).isError()  # answered from the old address
    assert sdm_float(client, 0x46, 33) == pytest.approx(50, abs=0.1)
    wait_for("the native map to show it", lambda: other.value("sdm_grid_address") == 33)
    assert _write_float(client, 0x14, 1, 33).exception_code == 3  # the box's own
    assert _write_float(client, 0x1C, 99, 33).exception_code == 3
    assert _write_float(client, 0x0A, 2, 33).exception_code == 2  # what it is wired to cannot be told
    assert not _write_float(client, 0x1C, 3, 33).isError()  # 19200 Bd
    wait_for("the new rate", lambda: other.value("baud_rate") == 19200)  # a pseudo-terminal takes any
    client.close()
    faster = ModbusSerialClient(str(other.tty), baudrate=19200, timeout=1.0, retries=1)
    assert faster.connect()
    assert not _write_float(faster, 0x12, 1, 33).isError()  # 8E1
    assert _model(faster, 1) == b"BackupBox_PLUS"  # a pseudo-terminal has no parity
    shown = faster.read_holding_registers(0x12, count=12, device_id=33).registers
    assert struct.unpack(">6f", struct.pack(">12H", *shown)) == (1, 33, 0, 0, 0, 3)
    faster.close()
    assert other.client.connect()
    wait_for("the new format", lambda: other.words("line_format") == [1])


def test_settings_of_the_native_map_take_effect_after_the_reply(other):
    switch_on(other, unit_address=77, sunspec_pv_address=SUNSPEC_PV)
    assert other.value("meter_model", unit=77) == "BackupBox_PLUS"
    reply = other.client.read_holding_registers(40000, count=2, device_id=SUNSPEC_PV)
    assert struct.pack(">2H", *reply.registers) == b"SunS"
    other.client.close()
    instrument = minimalmodbus.Instrument(str(other.tty), 77, close_port_after_each_call=True)
    instrument.serial.baudrate, instrument.serial.timeout = 9600, 1.0
    instrument.write_register(REGISTERS["baud_rate"]["address"], 384, functioncode=6)
    instrument.write_register(REGISTERS["line_format"]["address"], 2, functioncode=6)
    instrument.write_register(REGISTERS["commit"]["address"], 1, functioncode=6)
    instrument.serial.baudrate = 38400  # a pseudo-terminal has no parity
    assert instrument.read_string(0, 8, functioncode=4).rstrip("\0") == "BackupBox_PLUS"
    assert other.client.connect()


def test_a_locked_box_takes_no_settings_by_a_profile(other):
    switch_on(other, sdm_grid_address=SDM_GRID, write_lock=1)
    assert _write_float(other.client, 0x14, 33, SDM_GRID).exception_code == 2
    assert other.write("soc", 50) == 0
    assert other.write("sdm_grid_address", 33) == 2
    for key in (0x55AA, 0xAA55):
        assert other.write("unlock", key) == 0
    assert other.value("unlock") > 50
    assert not _write_float(other.client, 0x14, 33, SDM_GRID).isError()
    assert sdm_float(other.client, 0x46, 33) == pytest.approx(50, abs=0.1)
