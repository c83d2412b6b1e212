"""A report's page as tests read it: tags, scripts, shown text, and the data it carries."""

import json
from html.parser import HTMLParser

UNCLOSED = {'meta', 'link', 'img', 'input', 'br'}


class PageReader(HTMLParser):
    """Collects tags with their attributes, the text of scripts, and the text that is shown.

    Attributes:
        tags: (name, attributes) in order.
        scripts: Text of each script.
        shown: Pieces of text outside of scripts and styles.
        ids: Text inside the element with an id.
    """

    def __init__(self, text):
        super().__init__()
        self.source = text
        self.tags, self.scripts, self.shown, self.ids = [], [], [], {}
        self._open = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == 'script':
            self.scripts.append('')
        if tag == 'br':
            self.handle_data(' ')
        if tag not in UNCLOSED:
            self._open.append((tag, attributes.get('id')))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        inside = [tag for tag, _ in self._open]
        if 'script' in inside:
            self.scripts[-1] += data
        elif 'style' not in inside:
            self.shown.append(data)
            for _, name in self._open:
                if name is not None:
                    self.ids[name] = self.ids.get(name, '') + data

    @property
    def text(self):
        """All that is shown, on one line."""
        return one_line(''.join(self.shown))

    def section(self, name):
        """The text of the element with an id; None where there is no such element."""
        return one_line(self.ids[name]) if name in self.ids else None

    @property
    def charts(self):
        """Figures by name, as the page's script gets them."""
        return json.loads(self.scripts[0])

    @property
    def budgets(self):
        """What the sliders need, by panel."""
        return json.loads(self.scripts[1])

    def curve(self, layer, model=0, panel=0):
        """The traces of a layer and a model in a panel's curve chart."""
        return [
            trace
            for trace in self.charts[f'curve-{panel}']['data']
            if trace['meta']['layer'] == layer and trace['meta'].get('model') in (model, None)
        ]


def one_line(text):
    """Without line breaks and special blanks."""
    return ' '.join(text.replace('\xa0', ' ').split())
