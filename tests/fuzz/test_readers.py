"""Whatever comes from outside is read or refused as its reader says, and never raises otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.damage import damaged
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_what_it_reads_well_is_no_fault(name: str) -> None:
    for document in TARGETS[name].documents:
        TARGETS[name].read(document)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_damage_is_no_fault_of_the_reader(name: str, data: st.DataObject) -> None:
    TARGETS[name].read(data.draw(damaged(TARGETS[name].documents)))
