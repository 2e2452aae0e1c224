#!/usr/bin/env python3
"""Runs `hearth-bench all --quick --json` and checks what no machine's speed decides.

Usage: check_quick.py PROGRAM MAN_PAGE
"""

import json
import re
import subprocess
import sys

BENCHES = ['store', 'emm', 'verdict', 'report', 'report-unary', 'report-stream', 'crossing', 'ecmg', 'survey', 'preview', 'carousel']
# Built with gRPC only.
WITH_GRPC = ['report-unary', 'report-stream', 'crossing']
# No measurements; built with gRPC only.
OTHERS = ['refresh']

# Ratios that hold on any machine, by far: (benchmark, figure, at least).
RATIOS = [
    ('ecmg', '16 in flight: rate to protocol only', 0.25),
    ('ecmg', '8 connections: rate to protocol only', 0.25),
    ('survey', 'import: to sorting raw keys (B)', 0.005),
    ('preview', 'bare look by the preview', 0.01),
]


def output_of(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f'{" ".join(command)} ended with {done.returncode}:\n{done.stdout}')
    return done.stdout


def check_figures(program):
    text = output_of(program, 'all', '--quick', '--json')
    print(text)
    benches = json.loads(text)['benches']
    found = [bench['bench'] for bench in benches]
    if found not in (BENCHES, [bench for bench in BENCHES if bench not in WITH_GRPC]):
        sys.exit(f'benchmarks {found} instead of {BENCHES}')
    for bench in benches:
        if not bench['checks']:
            sys.exit(f'{bench["bench"]} checks nothing')
        for check in bench['checks']:
            if not check['holds']:
                sys.exit(f'{bench["bench"]}: {check["name"]}: does not hold')
        for figure in bench['figures']:
            if not isinstance(figure['value'], (int, float)):
                sys.exit(f'{bench["bench"]}: {figure["name"]} is {figure["value"]}')


    values = {(bench['bench'], figure['name']): figure['value'] for bench in benches for figure in bench['figures']}
    for bench, name, least in RATIOS:
        if values[bench, name] < least:
            sys.exit(f'{bench}: {name} is {values[bench, name]}, below {least}')


def check_man_page(program, path):
    with open(path, encoding='utf-8') as page:
        text = page.read().replace('\\-', '-')
    others = [bench for bench in WITH_GRPC + OTHERS if re.search(rf'^  {bench} ', output_of(program, '--help'), re.MULTILINE)]
    for bench in [bench for bench in BENCHES if bench not in WITH_GRPC] + others + ['all']:
        if not re.search(rf'^\.B {bench}$', text, re.MULTILINE):
            sys.exit(f'{path}: no entry for {bench}')
        for option in re.findall(r'^\s+(?:-\w,)?(--[a-z-]+)', output_of(program, bench, '--help'), re.MULTILINE):
            if option not in text:
                sys.exit(f'{path}: nothing about {option} of {bench}')


check_man_page(sys.argv[1], sys.argv[2])
check_figures(sys.argv[1])
