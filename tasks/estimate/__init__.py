"""How good is the champion where few labels exist, or none?"""
