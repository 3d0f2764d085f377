"""The setting that meets a target at the least cost, certified on queries it was not tuned on."""
