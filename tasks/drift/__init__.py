"""Did the inputs or the predictions change, where, since when, and is it the camera or the product?"""
