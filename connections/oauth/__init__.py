"""The dance in which a signed-in person lets a vendor give us access to an account. It never signs anyone in."""
