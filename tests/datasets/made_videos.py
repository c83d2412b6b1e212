"""Small video files of every kind that users have, good and bad, made for the tests."""

import struct
from fractions import Fraction

import av
import numpy as np

FRAMES = 24


def grey(number):
    """Brightness of frame ``number`` of the made videos."""
    return 20 + 9 * number


def picture(number, width=64, height=64):
    """Frame ``number``: grey that grows lighter, grained, with a white top and a red left edge."""
    grain = np.random.RandomState(number).randint(-15, 16, (height, width, 1))
    pixels = np.repeat(grey(number) + grain, 3, axis=2).astype(np.uint8)
    pixels[: height // 8] = 255
    pixels[height // 8 :, : width // 8] = (255, 0, 0)
    return pixels


def number_of(pixels):
    """Which frame a decoded picture is, by its brightness; quarter turns do not matter."""
    height, width = pixels.shape[:2]
    middle = pixels[height // 4 : -height // 4, width // 4 : -width // 4]
    return round((float(middle.mean()) - 20) / 9)


def make_video(
    path,
    codec='libx264',
    frames=FRAMES,
    size=(64, 64),
    rate=10,
    pixel_format='yuv420p',
    times=None,
    options=None,
    container_options=None,
):
    """Write a video; ``times`` (milliseconds) makes the frame rate a variable one."""
    with av.open(str(path), 'w', options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.bit_rate = 2_000_000
        stream.codec_context.thread_count = 1
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format='rgb24')
            frame.pts = number if times is None else times[number]
            if times is not None:
                frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_sound(path, codec='aac'):
    """Write a file with sound and no picture."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=16000, layout='mono')
        for start in range(0, 8192, 1024):
            sound = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(sound, format='fltp', layout='mono')
            frame.sample_rate, frame.pts = 16000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn_mp4(source, target, matrix):
    """Copy an mp4 file with another display matrix: (a, b, c, d) of ISO 14496-12, 8.3.2."""
    content = bytearray(source.read_bytes())
    at = content.index(b'tkhd') + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    content[at : at + 36] = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 1 << 30)
    target.write_bytes(content)
    return target


def trim_mp4(source, target, start, frames):
    """Copy an mp4 file with an edit list that shows some of its frames only."""
    content = bytearray(source.read_bytes())
    at = content.index(b'elst') + 12  # behind its name, version, flags and number of entries
    length, shift = struct.unpack('>ii', content[at : at + 8])
    ticks = struct.unpack('>I', content[content.index(b'mdhd') + 16 :][:4])[0]
    step = ticks // 10
    content[at : at + 8] = struct.pack('>ii', length * frames // FRAMES, shift + start * step)
    target.write_bytes(content)
    return target


def hide_frames(source, target, numbers):
    """Copy a VP8 video with frames that are decoded, but not to be shown (RFC 6386, 9.1)."""
    with av.open(str(source)) as opened, av.open(str(target), 'w') as written:
        stream = opened.streams.video[0]
        copy = written.add_stream_from_template(stream)
        packets = [packet for packet in opened.demux(stream) if packet.size]
        for number, packet in enumerate(packets):
            content = bytearray(bytes(packet))
            if number in numbers:
                content[0] &= ~0x10
            changed = av.Packet(bytes(content))
            changed.pts, changed.dts = packet.pts, packet.dts
            changed.time_base, changed.is_keyframe = packet.time_base, packet.is_keyframe
            changed.stream = copy
            written.mux(changed)
    return target
