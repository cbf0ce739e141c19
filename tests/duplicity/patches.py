"""A plugin of pytest: patches tests of duplicity, while they run, where they look at the insides of duplicity
or ask for what moobacker refuses on purpose.

Each patch has a reason, which goes into the results: these tests are counted apart. Nothing of a test is changed
but what the reasons of its patches name.
"""

import os
import shutil
from pathlib import Path

import pytest

# The tests work in one folder, which they are in: their store, and their archive directories.
STORE, ARCHIVES = Path("testfiles/output"), Path("testfiles/cache")


def stored(pattern):
    return sorted(STORE.glob(pattern))


def interrupted(case, patch):
    backup, calls = case.backup, []

    def remembered(*words, **named):
        calls.append((words, named))
        return backup(*words, **named)

    def interrupt(name):
        assert len(stored("*.manifest*")) == 1 and list((ARCHIVES / name).glob("*.manifest*"))
        for folder in (STORE, ARCHIVES):
            shutil.rmtree(folder)
            folder.mkdir()
        words, named = calls[-1]
        backup(*words, **named, fail=1)
        assert len(stored(".upload-*.vol1.difftar*")) == 1 and not stored("*.manifest*")

    patch.setattr(case, "backup", remembered)
    patch.setattr(case, "make_fake_second_volume", interrupt)


def without_seals(_case, patch):
    listdir = os.listdir

    def other_files(*folder):
        return [name for name in listdir(*folder) if not os.fsdecode(name).endswith(".seal")]

    patch.setattr(os, "listdir", other_files)


def temporary_names(_case, patch):
    system = os.system

    def translated(command):
        if not (command.startswith("rm ") and "/output/duplicity-full*" in command):
            return system(command)
        before = len(stored(".upload-*"))
        status = system(command.replace("/output/duplicity-full*", "/output/.upload-*-duplicity-full*"))
        assert status == 0 and len(stored(".upload-*")) < before
        return status

    patch.setattr(os, "system", translated)


def deleted_seal(_case, patch):
    system = os.system

    def also(command):
        if command.startswith("rm -r ") and command.endswith("/testfiles/cache"):
            (seal,) = stored("*.seal")
            seal.unlink()
        return system(command)

    patch.setattr(os, "system", also)


def with_options(method, *added):
    def patched(case, patch):
        plain = getattr(case, method)

        def more(*words, options=None, **named):
            return plain(*words, options=[*(options or ()), *added], **named)

        patch.setattr(case, method, more)

    return patched


def faulty_store(_case, patch):
    # main.py takes it for the store of rclone.py.
    patch.setenv("MOO_FAULTY_STORE", "yes")


def nothing(_case, _patch):
    pass


INTERRUPTED = "the run is interrupted after volume 1, instead of edits of duplicity's archive directory", interrupted
SEAL = "the seal is not counted among the files of the store", without_seals
TEMPORARY = "the volumes of an interrupted run are deleted by the names that moobacker gives them", temporary_names
EDITED = "the seal, which contradicts the edited signature file, is deleted", deleted_seal
FAULT = "the fault is in an rclone below the store, instead of in duplicity's own kind of store", faulty_store
ORDER = "the fault, a volume that waits for a later one, is left out: moobacker sends one after the other", nothing
EXCLUDED = "the store is excluded, as the refusal of a store in its own source asks", with_options(
    "backup", "--exclude", "testfiles/output"
)
UNENCRYPTED = "a restore from the unencrypted copy gets --no-encryption, as its refusal asks"
UNENCRYPTED = [(UNENCRYPTED, with_options(method, "--no-encryption")) for method in ("restore", "verify")]

# By modules and tests.
PATCHES = {
    "test_restart": {
        "test_split_after_small": [INTERRUPTED, SEAL],
        "test_split_after_large": [INTERRUPTED, SEAL],
        "test_split_inside_large": [INTERRUPTED],
        "test_new_file": [INTERRUPTED],
        "test_first_volume_failure": [TEMPORARY],
        "test_multi_volume_failure": [TEMPORARY],
        "test_changed_source_dangling_manifest_volume": [TEMPORARY],
        "test_ignore_double_snapshot": [EDITED],
    },
    "test_badupload": {
        "test_put_fail_volume1": [FAULT],
        "test_put_fail_volume2": [FAULT],
        "test_skip_volume_silent": [FAULT],
    },
    "test_concurrency": {
        "test_put_fail_volume": [FAULT],
        "test_wrong_size": [FAULT],
        "test_continue_after_missing_volume": [FAULT, ORDER],
        "test_out_of_order_volume": [ORDER],
    },
    "test_selection": {
        "test_single_and_double_asterisks": [EXCLUDED],
        "test_single_and_double_asterisks_includes_excludes": [EXCLUDED],
    },
    "test_replicate": {"test_replicate_noencryption": UNENCRYPTED},
}


@pytest.fixture(autouse=True)
def patched(request, monkeypatch):
    module = request.node.path.stem
    reasons = []
    for reason, patch in PATCHES.get(module, {}).get(request.node.name, []):
        patch(request.instance, monkeypatch)
        if reason not in reasons:
            reasons.append(reason)
            request.node.user_properties.append(("patch", reason))
