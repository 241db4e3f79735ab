"""Configuration as code: a YAML file that says what tenants, accounts and connections there are.

Names identify. What a file leaves out stays as it is; an entry that was in the file applied last and is gone from it
goes back to its default. Nothing is deleted unless that is asked for.
"""

from connections.services.configuration.applying import Application, BadFile
from connections.services.configuration.exporting import export

__all__ = ["Application", "BadFile", "export"]
