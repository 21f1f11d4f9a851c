print("flip")
