"""What a channel's mean and mean square say of it."""

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import BLOCK_WORDS, CHANNELS
from firmware.measure.flaws import flaw_of
from firmware.signals import CHANNEL_ABSENT, CHANNEL_OK, CHANNEL_SATURATED, CHANNEL_STUCK, FLAW_NAMES
from firmware.supervise.front_end import FrontEnd
from host_tests.unit.waves import Feed, Random, three


def _flaw(mean, rms, noise=False):
    return flaw_of(mean << 16, int(rms * rms * 64), noise)


def test_verdicts_and_their_limits():
    for mean, rms, flaw in (
        (0, 0, CHANNEL_OK),  # no signal
        (400, 0, CHANNEL_OK),
        (-400, 0, CHANNEL_OK),
        (401, 0, CHANNEL_STUCK),
        (-401, 0.5, CHANNEL_STUCK),
        (-401, 0.6, CHANNEL_SATURATED),
        (2047, 0, CHANNEL_STUCK),
        (-2048, 0, CHANNEL_STUCK),
        (0, 1178, CHANNEL_OK),
        (0, 1463, CHANNEL_OK),
        (0, 1464, CHANNEL_SATURATED),
        (0, 2048, CHANNEL_SATURATED),
        (400, 1178, CHANNEL_OK),
        (1000, 900, CHANNEL_SATURATED),
    ):
        assert _flaw(mean, rms) == flaw, (mean, rms)


def test_volts_without_mains_frequency_are_none():
    assert _flaw(0, 1178, noise=True) == CHANNEL_ABSENT
    assert _flaw(0, 531, noise=True) == CHANNEL_ABSENT
    assert _flaw(0, 530, noise=True) == CHANNEL_OK, "next to nothing is an outage, and said so elsewhere"
    assert _flaw(0, 0, noise=True) == CHANNEL_OK
    assert _flaw(0, 1500, noise=True) == CHANNEL_SATURATED


def _flaws(disturb, blocks=400):
    """Run a sound grid whose raw words `disturb(ring, base)` may alter; return the meter."""
    feed = Feed(FrontEnd, Calibration())
    feed.waves = three(230)
    feed.waves.update(three(230, names="U1 U2 U3"))
    feed.waves.update(three(20, names="I1 I2 I3"))
    for _ in range(blocks):
        feed.write()
        disturb(feed.ring, feed.number % feed.ring.depth * BLOCK_WORDS)
        feed.front.on_block(feed.number)
        feed.number += 1
        feed.front.meter.collect()
    return feed.front.meter


def _named(meter):
    return {CHANNELS[n]: FLAW_NAMES[meter.flaws[n]] for n in range(16) if meter.flaws[n]}


def _hold(words, slot, code):
    def disturb(ring, base):
        for scan in range(8):
            (ring.a if words == "a" else ring.b)[base + 8 * scan + slot] = code

    return disturb


def test_sound_inputs_have_no_flaw():
    meter = _flaws(lambda ring, base: None)
    assert _named(meter) == {}
    assert min(meter.readings.v_cv) > 22900 and min(meter.readings.grid_p_cw) > 450000


def test_a_channel_that_stands_still_far_from_the_middle():
    for code in (0, 4095, 2048 + 1178, 2048 - 401):
        meter = _flaws(_hold("a", 1, code))
        assert _named(meter) == {"V2": "stuck"}, code
        readings = meter.readings
        assert readings.v_cv[1] == readings.grid_p_cw[1] == readings.grid_s_cva[1] == 0
        assert readings.grid_pf_mil[1] == 0 and readings.i_ma[1] > 19900, "its current is measured"
        assert readings.grid_p_cw[3] == readings.grid_p_cw[0] + readings.grid_p_cw[2]
        assert readings.v_cv[0] > 22900


def test_a_current_that_stands_still():
    meter = _flaws(_hold("b", 0, 0))
    assert _named(meter) == {"I1": "stuck"}
    assert meter.readings.i_ma[0] == meter.readings.grid_p_cw[0] == 0 and meter.readings.v_cv[0] > 22900


def test_a_backup_voltage_that_stands_still():
    for words, slot, name in (("a", 6, "B1"), ("a", 7, "B2"), ("b", 6, "B3")):
        meter = _flaws(_hold(words, slot, 4095))
        assert _named(meter) == {name: "stuck"}
        assert meter.readings.b_cv == [0] * 3


def test_noise_instead_of_a_voltage():
    """A data line that floats gives codes at random, which have the RMS value of 230 V."""
    random = Random(9)

    def disturb(ring, base):
        for scan in range(8):
            ring.a[base + 8 * scan + 2] = random.below(4096)

    meter = _flaws(disturb)
    assert _named(meter) == {"V3": "absent"} and meter.readings.v_cv[2] == 0


def test_a_saturated_channel_still_says_what_it_can():
    feed = Feed(FrontEnd, Calibration())
    feed.waves = three(300)
    feed.waves.update(three(76, names="I1 I2 I3"))
    feed.run(320)
    meter = feed.front.meter
    assert _named(meter) == dict.fromkeys(("V1", "V2", "V3", "I1", "I2", "I3"), "saturated")
    assert meter.readings.v_cv[0] > 28200 and meter.readings.i_ma[0] > 70000
