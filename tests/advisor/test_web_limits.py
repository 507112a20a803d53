import pytest


@pytest.mark.django_db
def test_a_body_past_the_limit_is_refused_before_it_is_read(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = client.post("/sign-in", data="x" * 1001, content_type="text/plain")

    assert answer.status_code == 413
    assert b"too large" in answer.content


@pytest.mark.django_db
def test_a_body_within_the_limit_goes_on(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    assert client.post("/sign-in", data="x" * 900, content_type="text/plain").status_code != 413
