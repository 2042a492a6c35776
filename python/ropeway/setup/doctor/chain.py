"""The whole chain, in the order in which a run goes through it."""

from __future__ import annotations

from ropeway.setup.doctor import account, machine, organization, places

LINKS = (*machine.LINKS, *organization.LINKS, *account.LINKS, *places.LINKS)
