"""Random and mutated frames: nothing raises, nothing is answered or written that must not be.

What a frame deserves is decided here a second time, from the specification and with a CRC of its own.
"""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware.hardware.rtu_timing import silence_us
from firmware.publish.registers import COMMIT, SETTINGS_FIRST
from host_tests.unit.modbus_line import ADDRESSES, SOC, Line, framed, read_request, write_many, write_one

WRITABLE = {SOC, SOC + 1, *range(SETTINGS_FIRST, COMMIT + 1)}

near = st.sampled_from(
    [0, 19, 40, 100, 153, 999, SOC, SOC + 1, SOC + 2, SETTINGS_FIRST, 1020, COMMIT, 0xFFFF]
)
word = st.one_of(near, st.integers(0, 130), st.integers(0, 0xFFFF))
unit = st.sampled_from([0, 1, 1, 1, 1, 2, 247, 255])
plain = st.builds(
    lambda unit, function, words, tail: framed(
        unit, function, *(byte for value in words for byte in divmod(value, 256)), *tail
    ),
    unit,
    st.one_of(st.sampled_from([3, 4, 6, 16]), st.integers(0, 255)),
    st.lists(word, max_size=4),
    st.binary(max_size=12),
)
reads = st.builds(read_request, st.sampled_from([3, 4]), word, word, unit)
single = st.builds(write_one, word, word, unit)
many = st.builds(
    lambda start, words, unit, count, extra: write_many(
        start, *words, unit=unit, count=count, byte_count=(2 * len(words) + extra) & 255
    ),
    word,
    st.lists(word, max_size=40),
    unit,
    st.one_of(st.none(), st.none(), word),
    st.sampled_from([0, 0, 0, 0, 1, 2, -1, -2]),
)
whole = st.one_of(plain, reads, single, many)


def _mutated(frame, changes, cut, extra, at):
    body = bytearray(frame)
    for place, value in changes:
        if body:
            body[place % len(body)] = value
    del body[len(body) - min(cut, len(body)) :]
    at %= len(body) + 1
    return bytes(body[:at] + extra + body[at:])


mutated = st.builds(
    _mutated,
    whole,
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=2),
    st.sampled_from([0, 0, 0, 1, 2, 5]),
    st.one_of(st.just(b""), st.just(b"\0"), st.binary(max_size=3), st.binary(min_size=250, max_size=340)),
    st.integers(0, 400),
)
resealed = mutated.filter(lambda frame: len(frame) > 2).map(lambda frame: framed(*frame[:-2]))
frames = st.one_of(
    st.binary(max_size=400), whole, whole, mutated, resealed, st.builds(bytes.__add__, whole, whole)
)


def _crc(frame):
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _deserved(frame):
    """Return (may be executed, must be answered) by the specification."""
    n = len(frame)
    if not 4 <= n <= 256 or _crc(frame[:-2]) != int.from_bytes(frame[-2:], "little") or frame[0] > 1:
        return False, False
    function = frame[1]
    if function >= 0x80:
        return False, False
    if function in (3, 4, 6) and n != 8:
        return False, False
    if function == 16:
        if n < 9:
            return False, False
        consistent = frame[6] == 2 * int.from_bytes(frame[4:6], "big")
        if consistent and n != 9 + frame[6]:
            return False, False
    return function in (6, 16), frame[0] == 1


def _owned(box):
    """Return everything that a master can change."""
    return box.battery.soc, dict(box.settings), dict(box.staging.staged), box.commits, box.resets


def _exchange(line, frame):
    """Send a frame, let all end, return the replies."""
    before = len(line.port.sent)
    line.port.hear(frame, line.now_us)
    line.wait(0)
    line.wait(silence_us(line.slave.baud))
    line.wait(400000)
    line.wait(1)
    return line.port.sent[before:]


def _targets(frame):
    """Return the registers that a write request names and whether it carries what it says."""
    start = int.from_bytes(frame[2:4], "big")
    if frame[1] == 6:
        return set(range(start, start + 1)), True
    count = int.from_bytes(frame[4:6], "big")
    return set(range(start, start + count)), 1 <= count <= 123 and frame[6] == 2 * count


def _judge(line, frame):
    before = _owned(line.box)
    replies = _exchange(line, frame)
    after = _owned(line.box)
    executable, answered = _deserved(frame)
    assert len(replies) == int(answered), (frame, replies)
    allowed = False
    if executable:
        targets, sound = _targets(frame)
        allowed = sound and targets <= WRITABLE
    if not allowed:
        assert after == before, frame
    if replies:
        reply = replies[0]
        assert 5 <= len(reply) <= 255 and reply[0] == frame[0]
        assert _crc(reply[:-2]) == int.from_bytes(reply[-2:], "little")
        if reply[1] & 0x80:
            assert len(reply) == 5 and reply[1] == frame[1] | 0x80 and reply[2] in (1, 2, 3)
            assert (reply[2] == 1) == (frame[1] not in (3, 4, 6, 16))
            if after != before:  # only a refused commit: it drops what was staged
                assert (
                    COMMIT in targets and after[2] == {} and after[:2] == before[:2] and after[4] == before[4]
                )
        else:
            assert reply[1] == frame[1]
            if frame[1] in (3, 4):
                assert reply[2] == 2 * int.from_bytes(frame[4:6], "big") == len(reply) - 5
            else:
                assert allowed and reply[2:6] == frame[2:6]


@settings(derandomize=True, max_examples=1500, deadline=None, database=None)
@given(st.lists(frames, min_size=1, max_size=6))
@example([write_one(SOC, 50) + b"\0"])
@example([framed(1, 0x83, 2)])
@example([framed(0, 3, 0, 0, 0, 1)])
@example([write_many(ADDRESSES["baud_rate"], 1152, unit=0), write_one(COMMIT, 1)])
@example([write_one(ADDRESSES["load_management_enable"], 1), write_one(SOC, 1), write_one(COMMIT, 1)])
def test_any_frame_gets_what_it_deserves_and_the_next_is_answered(several):
    line = Line()
    for frame in several:
        if line.slave.unit_address != 1:  # a frame before has committed another
            line.slave.configure(1, line.slave.baud)
            line.wait(1)
        _judge(line, frame)
        replies = _exchange(line, read_request(4, 0, 8, line.slave.unit_address))
        assert len(replies) == 1 and replies[0][3:17] == b"BackupBox_PLUS", frame


@settings(derandomize=True, max_examples=500, deadline=None, database=None)
@given(st.lists(st.tuples(frames, st.integers(0, 12000)), max_size=12))
def test_frames_with_any_gaps_between_them_never_stop_the_slave(pieces):
    line = Line()
    for piece, gap_us in pieces:
        line.port.hear(piece, line.now_us)
        line.wait(gap_us)
    for _ in range(3):  # the last frame, its reply, a change of baud rate after that
        line.wait(400000)
    replies = _exchange(line, read_request(4, 0, 8, line.slave.unit_address))
    assert len(replies) == 1 and replies[0][3:17] == b"BackupBox_PLUS"
