"""What takes most of the sampling interrupt, in the RP2040's own instructions (Thumb, ARMv6-M).

The module is the board's form of measure/kernel.py and does what that does, in a third of the time. There
every range is proven, and hosts run that one. Besides, `sum_block` spreads a block of packed samples first.
mpy-cross assembles both functions; host_tests/host/test_thumb.py runs the compiled bytes against the portable
form on any machine.

Cycles of the Cortex-M0+: 2 for a load or store, 1 for anything else between registers, multiplication
included. What is written out several times is the work on several rows or sums: a row is 16 bytes, the
largest offset of a halfword is 62, that of a word 124.
"""

# mypy: disable-error-code="name-defined, call-overload, attr-defined"
# ruff: noqa: F821  # registers, labels and instructions exist inside asm_thumb functions only

import micropython


@micropython.asm_thumb
def sum_block(r0, r1):
    """Add up the block that lies r0 bytes from the ring's start; r1 is the memory's address (memory.py).

    Where samples are kept packed, the block is put into the ring first. Kept over the slots: r4 voltage x, r5
    current y, r6 x a quarter of a cycle earlier, r7 the sums' words.
    """
    mov(r2, 163)
    lsl(r2, r2, 5)
    add(r2, 16)
    add(r2, r2, r1)  # 4 * _PACKED
    ldr(r3, [r2, 16])  # _PACKED_DEPTH
    cmp(r3, 0)
    beq(SUMS)
    push({r0, r1, r2})
    mov(r4, r1)
    add(r4, 192)  # 4 * _BLOCK
    mov(r1, r0)
    ldr(r0, [r2, 4])  # _PACKED_A_HIGH
    lsl(r0, r0, 16)
    ldr(r3, [r2, 0])  # _PACKED_A_LOW
    add(r0, r0, r3)
    ldr(r3, [r2, 20])  # _PACKED_AT
    add(r0, r0, r3)
    ldr(r3, [r4, 4])  # _A_HIGH
    lsl(r3, r3, 16)
    add(r1, r1, r3)
    ldr(r3, [r4, 0])  # _A_LOW
    add(r1, r1, r3)
    bl(SPREAD)
    pop({r1, r4})
    pop({r2})
    push({r1, r4})
    add(r4, 192)
    ldr(r0, [r2, 12])  # _PACKED_B_HIGH
    lsl(r0, r0, 16)
    ldr(r3, [r2, 8])  # _PACKED_B_LOW
    add(r0, r0, r3)
    ldr(r3, [r2, 20])
    add(r0, r0, r3)
    ldr(r3, [r4, 12])  # _B_HIGH
    lsl(r3, r3, 16)
    add(r1, r1, r3)
    ldr(r3, [r4, 8])  # _B_LOW
    add(r1, r1, r3)
    bl(SPREAD)
    pop({r0, r1})

    label(SUMS)
    mov(r7, r1)
    add(r1, 192)  # 4 * _BLOCK
    ldr(r4, [r1, 4])  # _A_HIGH
    lsl(r4, r4, 16)
    ldr(r2, [r1, 0])  # _A_LOW
    add(r4, r4, r2)
    ldr(r6, [r1, 28])  # _QUARTER
    add(r6, r6, r4)
    add(r4, r4, r0)
    ldr(r5, [r1, 12])  # _B_HIGH
    lsl(r5, r5, 16)
    ldr(r2, [r1, 8])  # _B_LOW
    add(r5, r5, r2)
    add(r5, r5, r0)

    mov(r0, 6)
    label(SLOT)
    push({r0})
    mov(r0, r4)
    bl(SQUARES)
    str(r1, [r7, 0])  # X
    str(r2, [r7, 8])  # XX
    mov(r0, r5)
    bl(SQUARES)
    str(r1, [r7, 4])  # Y
    str(r2, [r7, 12])  # YY
    # sum((x - 2048) v) = sum(x v) - 2048 V with v = y - 2048, V = Y - 2^14; and the bias of 2^25.
    mov(r2, 1)
    lsl(r3, r2, 14)
    sub(r3, r3, r1)
    lsl(r3, r3, 11)
    lsl(r2, r2, 25)
    add(r2, r2, r3)
    push({r4, r5, r6, r7})
    mov(r3, r2)
    mov(r7, 1)
    lsl(r7, r7, 11)
    bl(PRODUCTS)
    bl(PRODUCTS)
    pop({r4, r5, r6, r7})
    str(r2, [r7, 16])  # XY
    str(r3, [r7, 20])  # QY
    add(r4, 2)
    add(r5, 2)
    add(r6, 2)
    add(r7, 32)
    pop({r0})
    sub(r0, 1)
    bne(SLOT)

    # B1 and B2 lie behind the voltages of converter A, B3 behind the currents of B; B1's words are back at 0.
    sub(r7, 192)
    mov(r0, r4)
    bl(SQUARES)
    str(r1, [r7, 24])
    str(r2, [r7, 28])
    add(r4, 2)
    mov(r0, r4)
    bl(SQUARES)
    str(r1, [r7, 56])
    str(r2, [r7, 60])
    mov(r0, r5)
    bl(SQUARES)
    str(r1, [r7, 88])
    str(r2, [r7, 92])
    b(DONE)

    # Of the eight rows at r0: r1 = sum(x), r2 = sum((x - 2048)^2) with its bias, which is
    # sum(x^2) + 4096 (2^14 - sum(x)). Uses r3.
    label(SQUARES)
    mov(r1, 0)
    mov(r2, 0)
    ldrh(r3, [r0, 0])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 16])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 32])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 48])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    add(r0, 64)
    ldrh(r3, [r0, 0])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 16])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 32])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 48])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    mov(r3, 1)
    lsl(r3, r3, 14)
    sub(r3, r3, r1)
    lsl(r3, r3, 12)
    add(r2, r2, r3)
    bx(lr)

    # Four rows further: r2 += sum(x v), r3 += sum(q v). x, y, q at r4, r5, r6; r7 = 2048. Uses r0, r1.
    label(PRODUCTS)
    ldrh(r0, [r5, 0])
    sub(r0, r0, r7)
    ldrh(r1, [r4, 0])
    mul(r1, r0)
    add(r2, r2, r1)
    ldrh(r1, [r6, 0])
    mul(r1, r0)
    add(r3, r3, r1)
    ldrh(r0, [r5, 16])
    sub(r0, r0, r7)
    ldrh(r1, [r4, 16])
    mul(r1, r0)
    add(r2, r2, r1)
    ldrh(r1, [r6, 16])
    mul(r1, r0)
    add(r3, r3, r1)
    ldrh(r0, [r5, 32])
    sub(r0, r0, r7)
    ldrh(r1, [r4, 32])
    mul(r1, r0)
    add(r2, r2, r1)
    ldrh(r1, [r6, 32])
    mul(r1, r0)
    add(r3, r3, r1)
    ldrh(r0, [r5, 48])
    sub(r0, r0, r7)
    ldrh(r1, [r4, 48])
    mul(r1, r0)
    add(r2, r2, r1)
    ldrh(r1, [r6, 48])
    mul(r1, r0)
    add(r3, r3, r1)
    add(r4, 64)
    add(r5, 64)
    add(r6, 64)
    bx(lr)

    # Spread 64 packed codes, 24 words at r0, over the halfwords at r1: eight codes fill three words, the
    # first one in the topmost bits, as the sampler's PIO program shifts them. Uses r2 to r7.
    label(SPREAD)
    mov(r6, 8)  # scans
    label(SCAN)
    ldr(r2, [r0, 0])
    ldr(r3, [r0, 4])
    ldr(r4, [r0, 8])
    lsr(r5, r2, 20)
    strh(r5, [r1, 0])
    lsl(r5, r2, 12)
    lsr(r5, r5, 20)
    strh(r5, [r1, 2])
    lsl(r5, r2, 24)
    lsr(r5, r5, 20)
    lsr(r7, r3, 28)
    orr(r5, r7)
    strh(r5, [r1, 4])
    lsl(r5, r3, 4)
    lsr(r5, r5, 20)
    strh(r5, [r1, 6])
    lsl(r5, r3, 16)
    lsr(r5, r5, 20)
    strh(r5, [r1, 8])
    lsl(r5, r3, 28)
    lsr(r5, r5, 20)
    lsr(r7, r4, 24)
    orr(r5, r7)
    strh(r5, [r1, 10])
    lsl(r5, r4, 8)
    lsr(r5, r5, 20)
    strh(r5, [r1, 12])
    lsl(r5, r4, 20)
    lsr(r5, r5, 20)
    strh(r5, [r1, 14])
    add(r0, 12)
    add(r1, 16)
    sub(r6, 1)
    bne(SCAN)
    bx(lr)

    label(DONE)


@micropython.asm_thumb
def accumulate(r0):
    """Add the present block to the hop (window.py); r0 is the memory's address.

    Kept: r0 the sums of a slot, r1 the hop's words, r2 the block's weight, r6 phases to come.
    """
    mov(r7, r0)
    add(r7, 192)  # 4 * _BLOCK
    ldr(r3, [r7, 56])  # _HOP_POSITION
    mov(r1, 158)
    lsl(r1, r1, 5)
    add(r1, 16)
    add(r1, r1, r0)  # 4 * _HOP_WEIGHTS
    lsl(r4, r3, 2)
    add(r1, r1, r4)
    ldr(r2, [r1, 0])
    add(r3, 1)
    str(r3, [r7, 56])
    ldr(r3, [r7, 60])  # _HOPS
    mov(r4, 7)
    and_(r3, r4)
    mov(r4, 222)
    lsl(r4, r4, 1)  # 4 * _HOP_WORDS
    mul(r3, r4)
    mov(r1, 174)
    lsl(r1, r1, 3)
    add(r1, r1, r0)  # 4 * _HOP_QUEUE
    add(r1, r1, r3)
    mov(r6, 3)
    label(PHASE)
    bl(PAIR)  # the grid's voltage and current
    add(r0, 96)
    bl(PAIR)  # the load bus and its current, three slots on
    sub(r0, 96)
    # The backup output.
    ldr(r3, [r0, 24])
    ldr(r4, [r1, 0])
    add(r4, r4, r3)
    str(r4, [r1, 0])
    mul(r3, r2)
    ldr(r4, [r1, 4])
    add(r4, r4, r3)
    str(r4, [r1, 4])
    ldr(r3, [r0, 28])
    ldr(r4, [r1, 8])
    add(r4, r4, r3)
    str(r4, [r1, 8])
    lsr(r5, r3, 8)
    mul(r5, r2)
    ldr(r4, [r1, 12])
    add(r4, r4, r5)
    str(r4, [r1, 12])
    lsl(r3, r3, 24)
    lsr(r3, r3, 24)
    mul(r3, r2)
    ldr(r4, [r1, 16])
    add(r4, r4, r3)
    str(r4, [r1, 16])
    add(r1, 20)
    add(r0, 32)
    sub(r6, 1)
    bne(PHASE)
    b(DONE)

    # Two plain sums and four products at r0, to the sixteen words at r1, which is advanced. Uses r3 to r5.
    label(PAIR)
    ldr(r3, [r0, 0])
    ldr(r4, [r1, 0])
    add(r4, r4, r3)
    str(r4, [r1, 0])
    mul(r3, r2)
    ldr(r4, [r1, 4])
    add(r4, r4, r3)
    str(r4, [r1, 4])
    ldr(r3, [r0, 4])
    ldr(r4, [r1, 8])
    add(r4, r4, r3)
    str(r4, [r1, 8])
    mul(r3, r2)
    ldr(r4, [r1, 12])
    add(r4, r4, r3)
    str(r4, [r1, 12])
    ldr(r3, [r0, 8])
    ldr(r4, [r1, 16])
    add(r4, r4, r3)
    str(r4, [r1, 16])
    lsr(r5, r3, 8)
    mul(r5, r2)
    ldr(r4, [r1, 20])
    add(r4, r4, r5)
    str(r4, [r1, 20])
    lsl(r3, r3, 24)
    lsr(r3, r3, 24)
    mul(r3, r2)
    ldr(r4, [r1, 24])
    add(r4, r4, r3)
    str(r4, [r1, 24])
    ldr(r3, [r0, 12])
    ldr(r4, [r1, 28])
    add(r4, r4, r3)
    str(r4, [r1, 28])
    lsr(r5, r3, 8)
    mul(r5, r2)
    ldr(r4, [r1, 32])
    add(r4, r4, r5)
    str(r4, [r1, 32])
    lsl(r3, r3, 24)
    lsr(r3, r3, 24)
    mul(r3, r2)
    ldr(r4, [r1, 36])
    add(r4, r4, r3)
    str(r4, [r1, 36])
    ldr(r3, [r0, 16])
    ldr(r4, [r1, 40])
    add(r4, r4, r3)
    str(r4, [r1, 40])
    lsr(r5, r3, 8)
    mul(r5, r2)
    ldr(r4, [r1, 44])
    add(r4, r4, r5)
    str(r4, [r1, 44])
    lsl(r3, r3, 24)
    lsr(r3, r3, 24)
    mul(r3, r2)
    ldr(r4, [r1, 48])
    add(r4, r4, r3)
    str(r4, [r1, 48])
    ldr(r3, [r0, 20])
    ldr(r4, [r1, 52])
    add(r4, r4, r3)
    str(r4, [r1, 52])
    lsr(r5, r3, 8)
    mul(r5, r2)
    ldr(r4, [r1, 56])
    add(r4, r4, r5)
    str(r4, [r1, 56])
    lsl(r3, r3, 24)
    lsr(r3, r3, 24)
    mul(r3, r2)
    ldr(r4, [r1, 60])
    add(r4, r4, r3)
    str(r4, [r1, 60])
    add(r1, 64)
    bx(lr)

    label(DONE)
