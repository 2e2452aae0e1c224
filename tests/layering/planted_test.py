#!/usr/bin/env python3
"""Shows that check.py finds what it is there for: each case plants a tiny tree with one fault.

Usage: planted_test.py CASE   (one of the names in CASES)
"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
STATUS = {'src/base/status.h': '#include <string>\n#include <fmt/format.h>\n'}

# name: list of (files, rules or None for the project's own, texts that the output must hold).
# No text means that the tree is sound.
CASES = {
    'include': [
        ({**STATUS, 'geofence/verdict.h': '#include "src/base/status.h"\n',
          'intervention/policy.h': '#include <vector>\n#include "geofence/verdict.h"\n',
          'src/crypto/siv.cc': '#include <openssl/evp.h>\n'}, None, []),
        ({'entitlement/card.h': '\n', 'geofence/verdict.cc': '// one\n#include "entitlement/card.h"\n'}, None,
         ['geofence/verdict.cc:2: geofence may not include entitlement/card.h', 'geofence may include geofence, '
          'src/base;', 'cure:']),
        ({'geofence/area.h': '\n', 'intervention/policy.cc': '#include "geofence/area.h"\n'}, None,
         ['intervention/policy.cc:1: intervention may not include geofence/area.h']),
        ({'src/store/rocks/rocks_store.h': '\n', 'src/app/a.cc': '#include "src/store/rocks/rocks_store.h"\n'},
         None, ['src/app/a.cc:1: src/app may not include src/store/rocks/rocks_store.h']),
        ({'src/crypto/siv.h': '#include <openssl/evp.h>\n'}, None,
         ['src/crypto/siv.h:1: src/crypto may not include the outside header openssl/evp.h']),
        ({'geofence/map.cc': '#include <sys/mman.h>\n'}, None, ['geofence/map.cc:1: geofence may not include']),
        ({'src/app/x.cc': '#include "hearth/v1/location.pb.h"\n'}, None, ['src/app/x.cc:1: src/app may not']),
        ({'tools/receiver/main.cc': '#include "src/cas/ecm.h"\n', 'src/cas/ecm.h': '\n'}, None,
         ['tools/receiver/main.cc:1: tools/receiver may not include src/cas/ecm.h']),
        ({'src/base/ids.cc': '#include "ids.h"\n', 'src/base/ids.h': '\n'}, None,
         ['src/base/ids.cc:1: include "ids.h" is relative', 'cure: #include "src/base/ids.h"']),
        ({'proto/hearth/v1/a.proto': 'import "google/protobuf/empty.proto";\n'
          'import "hearth/store/v1/b.proto";\n', 'proto/hearth/store/v1/b.proto': '\n'}, None,
         ['proto/hearth/v1/a.proto:2: proto/hearth/v1 may not include proto/hearth/store/v1/b.proto']),
    ],
    'cycle': [
        ({'src/base/a.h': '#include "src/base/b.h"\n', 'src/base/b.h': '\n#include "src/base/c.h"\n',
          'src/base/c.h': '#include "src/base/a.h"\n'}, None,
         ['src/base/a.h:1: cycle of includes: src/base/a.h -> src/base/b.h -> src/base/c.h -> src/base/a.h']),
        ({'one/a.h': '#include "two/b.h"\n', 'two/b.h': '\n', 'two/c.h': '#include "one/d.h"\n',
          'one/d.h': '\n'}, 'one | two |\ntwo | one |\n',
         ['one/a.h:1: cycle of folders: one -> two -> one (at one/a.h:1, two/c.h:1)',
          'rules.txt:1: the rules allow a cycle of folders: one -> two -> one']),
    ],
    'unknown_folder': [
        ({**STATUS, 'src/billing/invoice.cc': '#include "src/base/status.h"\n'}, None,
         ['src/billing/invoice.cc:1: folder src/billing holds code and has no row', 'cure:']),
        ({'main.cc': '\n'}, None, ['main.cc:1: folder . holds code and has no row']),
        ({'src/base/a.h': '\n'}, 'src/base | src/nowhere |\n', ['rules.txt:1: src/base may include src/nowhere']),
    ],
    'machine_path': [
        ({'docs/a.md': 'See `/etc/hearth/hearth.toml`, https://example.org/work/x and ./home/a/b.\n'}, None, []),
        ({'docs/a.md': 'Run it in\n/' + 'home/someone/hearth.\n'}, None,
         ['docs/a.md:2: names a path of one machine']),
        ({'tools/run': 'cd /' + 'root/hearth\n'}, None, ['tools/run:1: names a path of one machine']),
    ],
}


def run_case(files, rules, expected):
    with tempfile.TemporaryDirectory(prefix='hearth-layering-') as folder:
        root = os.path.join(folder, 'tree')
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, 'w', encoding='utf-8') as out:
                out.write(text)
        rules_path = os.path.join(HERE, 'rules.txt')
        if rules is not None:
            rules_path = os.path.join(folder, 'rules.txt')
            with open(rules_path, 'w', encoding='utf-8') as out:
                out.write(rules)
        done = subprocess.run([sys.executable, os.path.join(HERE, 'check.py'), '--root', root, '--rules',
                               rules_path], capture_output=True, text=True, check=False)
    want = 1 if expected else 0
    missing = [text for text in expected if text not in done.stdout]
    if done.returncode == want and not missing and not done.stderr:
        return True
    print(f'files {sorted(files)}: status {done.returncode}, wanted {want}; not said: {missing}')
    print(done.stdout + done.stderr)
    return False


def main():
    cases = CASES[sys.argv[1]]
    failed = [case for case in cases if not run_case(*case)]
    print(f'{sys.argv[1]}: {len(cases) - len(failed)} of {len(cases)} planted trees judged rightly')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
