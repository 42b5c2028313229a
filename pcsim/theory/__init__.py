"""What must hold: closed forms that the rest of pcsim is tested against.

Nothing on the way from configuration to verdict imports this room.
"""
