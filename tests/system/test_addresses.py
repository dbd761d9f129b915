"""Passwords in addresses of databases."""

import pytest

from autopelt.system.addresses import has_secret, without_secrets

SECRET = (
    "postgresql://me:hush@host/db",
    "postgresql://me:hu/sh@host/db",
    "postgresql://me:hu@sh@host/db",
    "postgresql://me:hu?sh@host/db",
    "postgresql://host/db?password=hush",
    "postgresql://host/db?sslmode=require&PassWord=hush",
    "postgresql:///db?user=me&sslpassword=hush",
    "mysql://me@host/db?passwd=hush",
    "mssql://me@host/db?authentication_token=hush&x=1",
)


@pytest.mark.parametrize("address", SECRET)
def test_a_password_is_found_wherever_it_stands(address: str) -> None:
    assert has_secret(address)
    shown = without_secrets(f"storage: '{address}' is wrong")
    assert "hush" not in shown
    assert "hu" not in shown.partition("://")[2]
    assert shown.startswith(f"storage: '{address.partition('://')[0]}://")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me@host:5432/db?sslmode=require",
        "postgresql://host/db?passfile=/home/me/.pgpass",
        "postgresql://host/passwords",
        "sqlite:////home/a:b/c@d/study.db",
    ],
)
def test_what_holds_none_stays_as_it_is(address: str) -> None:
    assert not has_secret(address)
    assert without_secrets(address) == address
