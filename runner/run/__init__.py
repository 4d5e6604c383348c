"""Settings become adapters, and a call is carried out. The one package that knows every adapter."""
