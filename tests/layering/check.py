#!/usr/bin/env python3
"""Checks who includes whom against rules.txt, finds include cycles, and finds paths of one machine.

Usage: check.py [--root DIR] [--rules FILE]

Reads every #include line of *.h and *.cc and every import line of *.proto below the root. Prints
`file:line: rule broken; what is allowed; cure` for each finding and ends with status 1 if there is one.
"""

import argparse
import fnmatch
import os
import re
import sys
from collections import defaultdict

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
IMPORT = re.compile(r'^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;')
# A home or working directory of one person or machine. Written so that it does not match itself.
MACHINE_PATH = re.compile(r'(?<![\w.\-/])/(?:work|root|home/[\w.\-]+|Users/[\w.\-]+)/')
SKIPPED_FOLDERS = {'.git', '.cache', '.vscode', '.idea', 'build', '__pycache__'}
CODE = ('.h', '.cc', '.proto')


class Row:
    def __init__(self, line, folder, includes, outside):
        self.line = line
        self.folder = folder
        self.includes = includes
        self.outside = outside


class Rules:
    """The table of rules.txt: rows by folder, and the named sets of outside headers."""

    def __init__(self, path):
        self.path = os.path.basename(path)
        self.rows = {}
        self.sets = {}
        self.findings = []
        with open(path, encoding='utf-8') as lines:
            for number, line in enumerate(lines, 1):
                self._read(number, line.split('#', 1)[0].strip())
        self.any = self.rows.pop('any', Row(0, 'any', [], []))
        for row in self.rows.values():
            self._expand(row)

    def _read(self, number, text):
        if not text:
            return
        if '|' in text:
            cells = [cell.strip() for cell in text.split('|')]
            if len(cells) == 3 and cells[0] and cells[0] not in self.rows:
                self.rows[cells[0]] = Row(number, cells[0], cells[1].split(), cells[2].split())
                return
        elif '=' in text:
            name, prefixes = text.split('=', 1)
            self.sets[name.strip()] = prefixes.split()
            return
        self.findings.append(f'{self.path}:{number}: neither a new "folder | includes | outside" row nor a '
                             f'set: {text}')

    def _expand(self, row):
        if '*' in row.includes:
            row.includes.remove('*')
            row.includes += [f for f in self.rows if f.split('/')[0] not in ('tools', 'tests', 'proto')]
        for name in row.includes:
            if not name.endswith('.h') and name not in self.rows:
                self.findings.append(f'{self.path}:{row.line}: {row.folder} may include {name}, which has no '
                                     'row; add the row or correct the name')

    def row_of(self, path):
        """The row of a file: the one with the longest folder that holds it, or None."""
        folder = os.path.dirname(path)
        while folder:
            if folder in self.rows:
                return self.rows[folder]
            folder = os.path.dirname(folder)
        return None

    def prefixes(self, row):
        for entry in row.outside + self.any.outside:
            name, _, glob = entry.partition('@')
            for prefix in self.sets.get(name, [name]):
                yield prefix, glob

    def allows_outside(self, row, path, header):
        if '/' not in header and '.' not in header:
            return True  # <vector>: standard C++
        for prefix, glob in self.prefixes(row):
            fits = header.startswith(prefix) if not prefix.endswith('.h') else header == prefix
            if fits and (not glob or fnmatch.fnmatch(os.path.basename(path), glob)):
                return True
        return False

    def describe(self, row):
        inside = ' '.join(row.includes) or 'nothing else of the tree'
        outside = ' '.join(row.outside + self.any.outside)
        return f'{row.folder} may include {row.folder}, {inside}; outside: std {outside}'


def files_below(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith('build-'))
        for name in sorted(names):
            if name not in SKIPPED_FOLDERS:
                yield os.path.relpath(os.path.join(folder, name), root)


def read_text(path):
    """The lines of a text file; None for links and binary files."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, 'rb') as file:
        data = file.read()
    return None if b'\0' in data else data.decode('utf-8', 'replace').splitlines()


def find_cycle(graph):
    """A list of nodes that begins and ends with the same one, or None."""
    done = set()
    for start in sorted(graph):
        trail, on_trail = [], {}
        stack = [(start, iter(sorted(graph[start])))] if start not in done else []
        if stack:
            trail, on_trail = [start], {start: 0}
        while stack:
            node, following = stack[-1]
            child = next(following, None)
            if child is None:
                stack.pop()
                done.add(node)
                del on_trail[trail.pop()]
            elif child in on_trail:
                return trail[on_trail[child]:] + [child]
            elif child not in done and child in graph:
                on_trail[child] = len(trail)
                trail.append(child)
                stack.append((child, iter(sorted(graph[child]))))
    return None


class Checker:
    def __init__(self, root, rules):
        self.root = root
        self.rules = rules
        self.findings = list(rules.findings)
        self.file_graph = defaultdict(dict)    # file -> {included file: line}
        self.folder_graph = defaultdict(dict)  # row -> {included row: "file:line"}
        self.count = 0

    def run(self):
        tops = {folder.split('/')[0] for folder in self.rules.rows}
        for path in files_below(self.root):
            lines = read_text(os.path.join(self.root, path))
            if lines is None:
                continue
            self.check_paths(path, lines)
            if path.endswith(CODE):
                self.count += 1
                self.check_file(path, lines, tops)
        self.check_cycles()

    def report(self, path, line, text):
        self.findings.append(f'{path}:{line}: {text}')

    def check_paths(self, path, lines):
        for number, line in enumerate(lines, 1):
            found = MACHINE_PATH.search(line)
            if found:
                self.report(path, number, f'names a path of one machine, {found.group(0)}; allowed are paths '
                            'from the root of the repository and paths that every system has; cure: write it '
                            'relative, or take it from an option or the environment')

    def check_file(self, path, lines, tops):
        row = self.rules.row_of(path)
        if row is None:
            self.report(path, 1, f'folder {os.path.dirname(path) or "."} holds code and has no row in '
                        f'{self.rules.path}; cure: put the file into a folder that has one, or add a row with '
                        'what it may include')
            return
        for number, line in enumerate(lines, 1):
            header, quoted = self.target(path, line)
            if header is None:
                continue
            inside = os.path.isfile(os.path.join(self.root, header))
            if inside or (quoted and header.split('/')[0] in tops and header.startswith(tuple(self.rules.rows))):
                self.check_inside(path, number, row, header)
            elif quoted and os.path.isfile(os.path.join(self.root, os.path.dirname(path), header)):
                self.report(path, number, f'include "{header}" is relative to the file; allowed are paths from '
                            f'the root; cure: #include "{os.path.normpath(os.path.join(os.path.dirname(path), header))}"')
            elif not self.rules.allows_outside(row, path, header):
                self.report(path, number, f'{row.folder} may not include the outside header {header}; '
                            f'{self.rules.describe(row)}; cure: use it behind an interface in a folder that may')

    @staticmethod
    def target(path, line):
        if path.endswith('.proto'):
            found = IMPORT.match(line)
            if not found:
                return None, False
            name = found.group(1)
            return (name, False) if name.startswith('google/protobuf/') else ('proto/' + name, True)
        found = INCLUDE.match(line)
        return (found.group(2), found.group(1) == '"') if found else (None, False)

    def check_inside(self, path, number, row, header):
        other = self.rules.row_of(header)
        self.file_graph[path].setdefault(header, number)
        if other is None:
            return  # the header's own folder is reported
        if other is not row:
            self.folder_graph[row.folder].setdefault(other.folder, f'{path}:{number}')
            if other.folder not in row.includes and header not in row.includes:
                self.report(path, number, f'{row.folder} may not include {header}; {self.rules.describe(row)}; '
                            'cure: move the code to a folder that may, or pass a value or an interface')

    def check_cycles(self):
        allowed = {row.folder: {self.rules.row_of(n).folder if n.endswith('.h') else n for n in row.includes}
                   - {row.folder} for row in self.rules.rows.values()
                   if all(n in self.rules.rows or self.rules.row_of(n) for n in row.includes)}
        cycle = find_cycle(allowed)
        if cycle:
            self.report(self.rules.path, self.rules.rows[cycle[0]].line, 'the rules allow a cycle of folders: '
                        + ' -> '.join(cycle) + '; cure: take one of these arrows out of the table')
        cycle = find_cycle(self.folder_graph)
        if cycle:
            where = [self.folder_graph[a][b] for a, b in zip(cycle, cycle[1:])]
            self.findings.append(f'{where[0]}: cycle of folders: {" -> ".join(cycle)} (at {", ".join(where)}); '
                                 'cure: turn one arrow round by passing a value or an interface')
        cycle = find_cycle(self.file_graph)
        if cycle:
            line = self.file_graph[cycle[0]][cycle[1]]
            self.report(cycle[0], line, 'cycle of includes: ' + ' -> '.join(cycle)
                        + '; cure: move what both need into a header of its own')


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--root', default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument('--rules', default=os.path.join(here, 'rules.txt'))
    args = parser.parse_args()
    checker = Checker(args.root, Rules(args.rules))
    checker.run()
    for finding in checker.findings:
        print(finding)
    if checker.findings:
        print(f'layering: {len(checker.findings)} finding(s) in {checker.count} files')
        return 1
    print(f'layering: {checker.count} files keep the rules')
    return 0


if __name__ == '__main__':
    sys.exit(main())
