"""A headless Chromium for tests, spoken to by its DevTools protocol over a pipe; stdlib only."""

import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')
KEYS = {
    'Tab': 9,
    'Enter': 13,
    ' ': 32,
    'End': 35,
    'Home': 36,
    'ArrowLeft': 37,
    'ArrowRight': 39,
}


class NoBrowser(Exception):
    """There is none, or it does not start; the message says which."""


class Chromium:
    """A browser process. Messages are JSON with a zero byte behind, on its descriptors 3 and 4."""

    def __init__(self, profile, timeout=60):
        """Start it; ``profile`` is an empty folder.

        Raises:
            NoBrowser: None is on the PATH, or it does not answer.
        """
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            raise NoBrowser('no Chromium on the PATH')
        self.timeout, self._number, self._rest = timeout, 0, b''
        self.events = []
        theirs_in, self._out = _high(os.pipe())
        self._in, theirs_out = _high(os.pipe())

        def number_pipes():
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self._process = subprocess.Popen(
            [
                program,
                '--headless',
                '--no-sandbox',
                '--disable-gpu',
                '--no-first-run',
                '--hide-scrollbars',
                f'--user-data-dir={profile}',
                '--remote-debugging-pipe',
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=number_pipes,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            self.call('Browser.getVersion')
        except (OSError, TimeoutError) as error:
            self.close()
            raise NoBrowser(f'{program} does not start: {error!r}') from error

    def call(self, method, session=None, **params):
        """Send a command and wait for its result."""
        self._number += 1
        message = {'id': self._number, 'method': method, 'params': params}
        if session:
            message['sessionId'] = session
        os.write(self._out, json.dumps(message).encode() + b'\0')
        while (answer := self._read()).get('id') != self._number:
            self.events.append(answer)
        if 'error' in answer:
            raise RuntimeError(f'{method}: {answer["error"]}')
        return answer['result']

    def _read(self):
        end = time.monotonic() + self.timeout
        while b'\0' not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise TimeoutError('the browser is silent')
            piece = os.read(self._in, 1 << 20)
            if not piece:
                raise OSError('the browser has gone')
            self._rest += piece
        message, self._rest = self._rest.split(b'\0', 1)
        return json.loads(message)

    def close(self):
        """End the process."""
        with contextlib.suppress(Exception):
            self.call('Browser.close')
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)


class Tab:
    """One page in a `Chromium`.

    Attributes:
        problems: What the console was told: errors, warnings, violations of the content policy.
        requests: All addresses that were asked for.
    """

    def __init__(self, browser, width=1280, height=800, dark=False):
        target = browser.call('Target.createTarget', url='about:blank')['targetId']
        attached = browser.call('Target.attachToTarget', targetId=target, flatten=True)
        self._browser, self._session = browser, attached['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self._call(f'{domain}.enable')
        screen = {'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': width < 600}
        self._call('Emulation.setDeviceMetricsOverride', **screen)
        scheme = {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}
        self._call('Emulation.setEmulatedMedia', features=[scheme])

    def _call(self, method, **params):
        return self._browser.call(method, self._session, **params)

    def open(self, path, ready, timeout=None):
        """Load a file and wait until the expression ``ready`` is true."""
        self._call('Page.navigate', url=path.as_uri())
        end = time.monotonic() + (timeout or self._browser.timeout)
        while not self.value(ready):
            if time.monotonic() > end:
                raise TimeoutError(f'never true: {ready}; console: {self.problems}')
            time.sleep(0.05)

    def to_front(self):
        """Make it the visible tab; hidden ones draw nothing."""
        self._call('Page.bringToFront')

    def value(self, expression):
        """What a JavaScript expression gives; promises are awaited."""
        answer = self._call(
            'Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True
        )
        if 'exceptionDetails' in answer:
            raise RuntimeError(f'{expression}: {answer["exceptionDetails"]}')
        return answer['result'].get('value')

    def press(self, key, times=1):
        """Press a key as a reader does."""
        code = {'key': key, 'code': 'Space' if key == ' ' else key}
        code['windowsVirtualKeyCode'] = KEYS[key]
        text = {'text': key} if key == ' ' else {}
        for _ in range(times):
            self._call('Input.dispatchKeyEvent', type='keyDown', **code, **text)
            self._call('Input.dispatchKeyEvent', type='keyUp', **code)

    def drag(self, start, end):
        """Press the mouse at (x, y), move it, let go."""
        held = {'button': 'left', 'buttons': 1, 'clickCount': 1}
        middle = [(a + b) / 2 for a, b in zip(start, end, strict=True)]
        for kind, (x, y), buttons in (
            ('mouseMoved', start, {}),
            ('mousePressed', start, held),
            ('mouseMoved', middle, held),
            ('mouseMoved', end, held),
            ('mouseReleased', end, held),
        ):
            self._call('Input.dispatchMouseEvent', type=kind, x=x, y=y, **buttons)

    def _events(self, *methods):
        self._call('Runtime.evaluate', expression='0')  # what happened before has been told by now
        return [
            event['params']
            for event in self._browser.events
            if event.get('sessionId') == self._session and event['method'] in methods
        ]

    @property
    def problems(self):
        return self._events('Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded')

    @property
    def requests(self):
        events = self._events('Network.requestWillBeSent')
        return [event['request']['url'] for event in events]


def _high(descriptors):
    """The same open files under numbers that are neither 3 nor 4."""
    numbers = [fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, 10) for d in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    return numbers
