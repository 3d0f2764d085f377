"""A plug-in whose library is not there."""

import a_library_that_is_not_there  # noqa: F401  # the fault that this package is for
